-- One row per person per return: the rules on the person, and on the person's records together.
{% set others = {'p18': 'same_upn_ids', 'p22': 'same_uln_ids', 'p28': 'same_person_ids'} %}
with

returns as (
    select * from {{ ref('returns') }}
),

people as (
    select * from {{ ref('person') }}
),

cases as (
    select
        *,
        max(cease_date) filter (cease_reason_word = 'death') over (
            partition by return_id, person_id
        ) as death_date,
        death_date is not null
        and (
            has_named_plan and cease_date is null
            or coalesce(request_outcome_word = 'undecided', false)
            or received_date > death_date
            or not_left_count > 0
            or last_entry_date > death_date
        ) as is_open_after_death,
    from {{ ref('case_records') }}
),

-- What the person's cases come to; a request with no date received is taken to be the oldest.
person_cases as (
    select
        return_id,
        person_id,
        min(received_date) as received_date,
        max(received_date) as last_received_date,
        bool_or(coalesce(request_outcome_word = 'undecided', false)) as has_undecided_request,
        last(request_outcome order by received_date nulls first, request_id) as request_outcome,
        last(request_outcome_word order by received_date nulls first, request_id)
            as request_outcome_word,
        last(has_assessment order by received_date nulls first, request_id)
            as has_latest_assessment,
        min(start_date) as start_date,
        min(cease_date) filter (cease_reason_word = 'death') as cease_date,
        max(cease_reason) filter (cease_reason_word = 'death') as cease_reason,
        max(cease_reason_word) filter (cease_reason_word = 'death') as cease_reason_word,
        bool_or(has_named_plan and cease_date is null) as has_plan_not_ceased,
        bool_or(is_plan_active) as has_active_plan,
        max(transfer_la) as transfer_la,
        bool_and(transfer_la is not null) filter (has_active_plans)
            as is_every_plan_transferred_in,
        min(first_entry_date) as entry_date,
        max(last_entry_date) as last_entry_date,
        sum(not_left_count) > 0 as has_placement_not_left,
        max(open_main_leaving_date) as leaving_date,
        count(*) filter (open_main_count > 0) as requests_with_open_main,
        min_by(first_open_main_id, coalesce(start_date, received_date, '-infinity'))
            filter (open_main_count > 0) as points_at_o13,
        max(request_id) filter (cease_reason_word = 'death') as points_at_o23,
        string_agg(request_id, ', ' order by request_id) filter (is_open_after_death)
            as open_after_death,
    from cases
    group by return_id, person_id
),

people_with_cases as (
    select
        people.*,
        person_cases.* exclude (return_id, person_id),
        person_cases.person_id is not null as has_request,
        returns.collection_year,
    from people
    inner join returns on people.return_id = returns.return_id
    left join person_cases
        on people.return_id = person_cases.return_id
            and people.person_id = person_cases.person_id
),

people_with_words as (
    {{ with_words('people_with_cases', {'upn_unknown': 'UPNunknown'}) }}
),

records as (
    select
        people.*,
        null as request_id,
        people.person_id as record_id,
        returns.survey_day,
        returns.age_reference_date,
        returns.max_plan_age,
        returns.oldest_age,
        returns.name_length,
        returns.un1_age,
        returns.un8_days,
        returns.school_age_to,
        {{ age_on('people.person_birth_date', 'returns.age_reference_date') }}
            as age_on_reference_day,
        case
            when people.is_every_plan_transferred_in then people.entry_date
            else least(people.received_date, people.start_date, people.entry_date)
        end as first_seen_date,
        list(people.person_id) over (partition by people.return_id, people.upn) as same_upn_ids,
        list(people.person_id) over (partition by people.return_id, people.unique_learner_number)
            as same_uln_ids,
        list(people.person_id) over (
            partition by
                people.return_id,
                lower(trim(people.surname)),
                lower(trim(people.forename)),
                people.person_birth_date,
                coalesce(people.sex, people.gender_current)
        ) as same_person_ids,
    from people_with_words as people
    inner join returns on people.return_id = returns.return_id
),

judged as (
    select
        return_id,
        person_id,
        request_id,
        record_id,
        surname,
        forename,
        person_birth_date,
        gender_current,
        sex,
        ethnicity,
        postcode,
        upn,
        unique_learner_number,
        upn_unknown,
        received_date,
        request_outcome,
        start_date,
        cease_date,
        cease_reason,
        transfer_la,
        entry_date,
        leaving_date,
        points_at_o13,
        points_at_o23,
        'CeaseReason ' || cease_reason || '; CeaseDate ' || cease_date
        || '; open or later: request ' || open_after_death as found_o23,
        {% for rule, ids in others.items() %}
            {{ ids_beside(ids, 'person_id') }} as beside_{{ rule }},
        {% endfor %}

        -- the surname is missing
        coalesce(trim(surname) = '', true) as rule_p01,

        -- the forename is missing
        coalesce(trim(forename) = '', true) as rule_p02,

        -- the date of birth is missing or is not a date
        person_birth_date is null as rule_p03,

        -- the date of birth is after the survey day
        person_birth_date > survey_day as rule_p04,

        -- a plan is active, and the person is too old for one or not yet born
        has_active_plan
        and (age_on_reference_day >= max_plan_age or person_birth_date > survey_day) as rule_p05,

        -- the sex is given and not a code
        not {{ is_listed('sex', 'Sex') }} as rule_p06,

        -- the gender is missing or not a code
        coalesce(not {{ is_listed('gender_current', 'GenderCurrent') }}, true) as rule_p07,

        -- the ethnicity is missing or not a code
        coalesce(not {{ is_listed('ethnicity', 'Ethnicity') }}, true) as rule_p08,

        -- the postcode is missing
        coalesce(trim(postcode) = '', true) as rule_p09,

        -- the postcode is not written as one of the United Kingdom
        trim(postcode) <> ''
        and not regexp_full_match(postcode, '[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2}|GIR 0AA')
            as rule_p10,

        -- there is no UPN, no ULN and no reason for having neither
        coalesce(upn, unique_learner_number, upn_unknown) is null as rule_p11,

        -- there is a reason for having no UPN and no ULN, and one of them
        upn_unknown is not null and coalesce(upn, unique_learner_number) is not null as rule_p12,

        -- the UPN has not 13 characters
        length(upn) <> 13 as rule_p13,

        -- the UPN's first letter does not follow from the rest of it
        left(upn, 1) <> {{ upn_check_letter('upn') }} as rule_p14,

        -- the UPN's second to fourth characters are no authority's
        substring(upn, 2, 3) not in (select code from {{ ref('upn_la_codes') }}) as rule_p15,

        -- the UPN's fifth to twelfth characters are not all digits
        regexp_matches(substring(upn, 5, 8), '[^0-9]') as rule_p16,

        -- the UPN's last character is neither a digit nor a letter that a temporary one may have
        regexp_matches(substring(upn, 13, 1), '[^0-9A-HJ-NP-RT-Z]') as rule_p17,

        -- another person has the same UPN
        upn is not null and len(same_upn_ids) > 1 as rule_p18,

        -- the UPN is a temporary one
        regexp_matches(substring(upn, 13, 1), '[A-Z]') as rule_p19,

        -- the ULN is not ten digits, the first of them not zero
        not regexp_full_match(unique_learner_number, '[1-9][0-9]{9}') as rule_p20,

        -- the ULN's last digit does not follow from the rest of it
        not {{ is_uln_valid('unique_learner_number') }} as rule_p21,

        -- another person has the same ULN
        unique_learner_number is not null and len(same_uln_ids) > 1 as rule_p22,

        -- the reason for having no UPN and no ULN is not a code
        not {{ is_listed('upn_unknown', 'UPNunknown') }} as rule_p23,

        -- the reason is being too young for a UPN, and the person is not
        upn_unknown_word = 'too_young'
        and {{ age_on('person_birth_date', 'survey_day') }} >= un1_age as rule_p24,

        -- the reason is being new to the authority, and an earlier date is held
        upn_unknown_word = 'newly_known' and survey_day - first_seen_date > un8_days as rule_p25,

        -- the reason is a request that ended in no further action, and the latest did not
        upn_unknown_word = 'request_ended'
        and (request_outcome_word not in ('refused', 'withdrawn') or has_latest_assessment)
            as rule_p26,

        -- the reason is being a young person never at school here, and the person is of school age
        upn_unknown_word = 'never_at_school' and age_on_reference_day <= school_age_to as rule_p27,

        -- another person has the same name, date of birth and sex
        surname is not null
        and forename is not null
        and person_birth_date is not null
        and len(same_person_ids) > 1 as rule_p28,

        -- the person has no request
        not has_request as rule_p29,

        -- main placements under different requests are open on the survey day
        requests_with_open_main > 1 as rule_o13,

        -- a plan ended with the person's death, and another record is open or later
        cease_reason_word = 'death'
        and (
            has_plan_not_ceased
            or has_undecided_request
            or last_received_date > cease_date
            or has_placement_not_left
            or last_entry_date > cease_date
        ) as rule_o23,

        -- a name holds a digit, or no letter
        (surname <> '' and (regexp_matches(surname, '\d') or not regexp_matches(surname, '\pL')))
        or (forename <> ''
            and (regexp_matches(forename, '\d') or not regexp_matches(forename, '\pL')))
            as rule_o25,

        -- the sex is missing
        sex is null as rule_p30,

        -- the person has no active plan and is too old to be in a return
        not coalesce(has_active_plan, false)
        and {{ age_on('person_birth_date', 'survey_day') }} > oldest_age as rule_p31,

        -- a name is longer than names are
        greatest(length(surname), length(forename)) > name_length as rule_p32,
    from records
)

{{ settled('judged') }}
