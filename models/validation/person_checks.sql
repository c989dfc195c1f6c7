-- One row per person per return: the rules on the person, and on the person's records together.
with

returns as (
    select * from {{ ref('returns') }}
),

people as (
    select * from {{ ref('person') }}
),

requests as (
    select * from {{ ref('requests') }}
),

assessments as (
    select distinct
        return_id,
        request_id,
    from {{ ref('assessment') }}
),

named_plans as (
    select * from {{ ref('named_plan') }}
),

active_plans as (
    select * from {{ ref('active_plans') }}
),

placements as (
    select * from {{ ref('placement_detail') }}
),

-- A request with no date received is taken to be the oldest.
person_requests as (
    select
        requests.return_id,
        requests.person_id,
        min(requests.received_date) as received_date,
        max(requests.received_date) as last_received_date,
        bool_or(requests.request_outcome = 'A') as has_undecided_request,
        last(
            requests.request_outcome
            order by requests.received_date nulls first, requests.request_id
        ) as request_outcome,
        last(
            assessments.request_id is not null
            order by requests.received_date nulls first, requests.request_id
        ) as has_latest_assessment,
    from requests
    left join assessments
        on requests.return_id = assessments.return_id
            and requests.request_id = assessments.request_id
    group by requests.return_id, requests.person_id
),

person_plans as (
    select
        named_plans.return_id,
        named_plans.person_id,
        min(named_plans.start_date) as start_date,
        min(named_plans.cease_date) filter (named_plans.cease_reason = '8') as cease_date,
        max(named_plans.cease_reason) filter (named_plans.cease_reason = '8') as cease_reason,
        bool_or(named_plans.cease_date is null) as has_plan_not_ceased,
        bool_or(
            coalesce(named_plans.start_date <= returns.survey_day, true)
            and coalesce(named_plans.cease_date > returns.survey_day, true)
        ) as has_active_plan,
    from named_plans
    inner join returns on named_plans.return_id = returns.return_id
    group by named_plans.return_id, named_plans.person_id
),

person_transfers as (
    select
        return_id,
        person_id,
        max(transfer_la) as transfer_la,
        bool_and(transfer_la is not null) as is_every_plan_transferred_in,
    from active_plans
    group by return_id, person_id
),

-- The main placements open on the survey day, among all placements of the person.
placements_by_day as (
    select
        placements.*,
        placements.placement_rank = '1'
        and coalesce(placements.entry_date <= returns.survey_day, true)
        and coalesce(placements.leaving_date > returns.survey_day, true) as is_open_main,
    from placements
    inner join returns on placements.return_id = returns.return_id
),

person_placements as (
    select
        return_id,
        person_id,
        min(entry_date) as entry_date,
        max(entry_date) as last_entry_date,
        bool_or(leaving_date is null) as has_placement_not_left,
        max(placement_rank) filter (is_open_main) as placement_rank,
        max(leaving_date) filter (is_open_main) as leaving_date,
        count(distinct request_id) filter (is_open_main) as requests_with_open_main,
    from placements_by_day
    group by return_id, person_id
),

records as (
    select
        people.*,
        null as request_id,
        people.person_id as record_id,
        person_requests.* exclude (return_id, person_id),
        person_plans.* exclude (return_id, person_id),
        person_transfers.* exclude (return_id, person_id),
        person_placements.* exclude (return_id, person_id),
        person_requests.person_id is not null as has_request,
        returns.collection_year,
        returns.survey_day,
        returns.age_reference_date,
        returns.max_plan_age,
        returns.un1_age,
        returns.un8_days,
        returns.school_age_to,
        {{ age_on('people.person_birth_date', 'returns.age_reference_date') }} as age_on_reference_day,
        case
            when person_transfers.is_every_plan_transferred_in then person_placements.entry_date
            else least(
                person_requests.received_date, person_plans.start_date, person_placements.entry_date
            )
        end as first_seen_date,
        count(*) over (partition by people.return_id, people.upn) as same_upn_count,
        count(*) over (partition by people.return_id, people.unique_learner_number)
            as same_uln_count,
        count(*) over (
            partition by
                people.return_id,
                lower(trim(people.surname)),
                lower(trim(people.forename)),
                people.person_birth_date,
                coalesce(people.sex, people.gender_current)
        ) as same_person_count,
    from people
    inner join returns on people.return_id = returns.return_id
    left join person_requests
        on people.return_id = person_requests.return_id
            and people.person_id = person_requests.person_id
    left join person_plans
        on people.return_id = person_plans.return_id
            and people.person_id = person_plans.person_id
    left join person_transfers
        on people.return_id = person_transfers.return_id
            and people.person_id = person_transfers.person_id
    left join person_placements
        on people.return_id = person_placements.return_id
            and people.person_id = person_placements.person_id
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
        placement_rank,
        entry_date,
        leaving_date,

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
        upn is not null and same_upn_count > 1 as rule_p18,

        -- the UPN is a temporary one
        regexp_matches(substring(upn, 13, 1), '[A-Z]') as rule_p19,

        -- the ULN is not ten digits, the first of them not zero
        not regexp_full_match(unique_learner_number, '[1-9][0-9]{9}') as rule_p20,

        -- the ULN's last digit does not follow from the rest of it
        not {{ is_uln_valid('unique_learner_number') }} as rule_p21,

        -- another person has the same ULN
        unique_learner_number is not null and same_uln_count > 1 as rule_p22,

        -- the reason for having no UPN and no ULN is not a code
        not {{ is_listed('upn_unknown', 'UPNunknown') }} as rule_p23,

        -- the reason is being too young for a UPN, and the person is not
        upn_unknown = 'UN1' and {{ age_on('person_birth_date', 'survey_day') }} >= un1_age as rule_p24,

        -- the reason is being new to the authority, and an earlier date is held
        upn_unknown = 'UN8' and survey_day - first_seen_date > un8_days as rule_p25,

        -- the reason is a request that ended in no further action, and the latest did not
        upn_unknown = 'UN10' and (request_outcome not in ('N', 'W') or has_latest_assessment)
            as rule_p26,

        -- the reason is being a young person never at school here, and the person is of school age
        upn_unknown = 'UN9' and age_on_reference_day <= school_age_to as rule_p27,

        -- another person has the same name, date of birth and sex
        surname is not null
        and forename is not null
        and person_birth_date is not null
        and same_person_count > 1 as rule_p28,

        -- the person has no request
        not has_request as rule_p29,

        -- main placements under different requests are open on the survey day
        requests_with_open_main > 1 as rule_o13,

        -- a plan ended with the person's death, and another record is open or later
        cease_reason = '8'
        and (
            has_plan_not_ceased
            or has_undecided_request
            or last_received_date > cease_date
            or has_placement_not_left
            or last_entry_date > cease_date
        ) as rule_o23,

        -- a name holds a digit, or no letter
        (surname <> '' and (regexp_matches(surname, '\d') or not regexp_matches(surname, '\pL')))
        or (forename <> '' and (regexp_matches(forename, '\d') or not regexp_matches(forename, '\pL')))
            as rule_o25,

        -- the sex is missing
        sex is null as rule_p30,
    from records
)

{{ settled('judged') }}
