-- One row per placement per return: the rules on where people were placed.
with

-- The register of establishments, where one was landed; the first row of a URN counts.
establishments as (
    select
        urn,
        ukprn,
        type_code,
        open_date,
        close_date,
        has_sen_unit,
        has_resourced_provision,
    from {{ ref('stg_establishments') }}
    qualify row_number() over (partition by urn order by _file, _row) = 1
),

providers as (
    select distinct ukprn,
    from establishments
    where ukprn is not null
),

register as (
    select
        count(*) > 0 as has_establishments,
        count(ukprn) > 0 as has_providers,
    from establishments
),

-- The main setting or settings that each plan names, by every number that the register has. Other
-- is a type of setting, with none named.
settings_with_year as (
    select
        plan_detail.*,
        returns.collection_year,
    from {{ ref('plan_detail') }} as plan_detail
    inner join {{ ref('returns') }} as returns on plan_detail.return_id = returns.return_id
),

settings_with_words as (
    {{ with_words('settings_with_year', {
        'placement_rank': 'PlacementRank',
        'sen_setting': 'SENSetting',
    }) }}
),

named_settings as (
    select
        settings.return_id,
        settings.request_id,
        list(coalesce(settings.urn, settings.ukprn, settings.sen_setting))
        || coalesce(
            list(establishments.ukprn) filter (establishments.ukprn is not null), []
        ) as named_places,
        string_agg(
            coalesce(
                'URN ' || settings.urn,
                'UKPRN ' || settings.ukprn,
                'setting ' || settings.sen_setting
            ),
            ', ' order by settings.urn, settings.ukprn, settings.sen_setting
        ) as named_in_words,
        bool_or(coalesce(settings.sen_setting_word = 'other', false)) as names_no_place,
    from settings_with_words as settings
    left join establishments on settings.urn = establishments.urn
    where
        settings.placement_rank_word = 'main'
        and coalesce(settings.urn, settings.ukprn, settings.sen_setting) is not null
    group by settings.return_id, settings.request_id
),

-- A placement still open lasts to the survey day at least.
placements_with_days as (
    select
        placement_detail.*,
        coalesce(
            placement_detail.urn,
            placement_detail.ukprn,
            placement_detail.sen_setting
            || coalesce('/' || placement_detail.sen_setting_other, '')
        ) as place,
        coalesce(placement_detail.leaving_date, returns.survey_day) as last_day,
        {{ is_open_on(
            'placement_detail.entry_date', 'placement_detail.leaving_date', 'returns.survey_day'
        ) }} as is_open,
        returns.* exclude (return_id),
    from {{ ref('placement_detail') }} as placement_detail
    inner join {{ ref('returns') }} as returns
        on placement_detail.return_id = returns.return_id
),

placements as (
    {{ with_words('placements_with_days', {
        'placement_rank': 'PlacementRank',
        'sen_setting': 'SENSetting',
        'sen_unit_indicator': 'YesNo',
        'resourced_provision_indicator': 'YesNo',
    }) }}
),

-- Each placement beside the others of its request: those of its rank that began before it, and
-- the main ones at the same place that began no later, or later.
neighbours as (
    select
        *,
        row_number() over (
            partition by return_id, request_id, place, placement_rank, entry_date
            order by leaving_date, placement_id
        ) as copy_number,
        max(coalesce(leaving_date, 'infinity')) over (
            partition by return_id, request_id, placement_rank
            order by entry_date, leaving_date, placement_id
            rows between unbounded preceding and 1 preceding
        ) as earlier_last_day,
        max(last_day) filter (placement_rank_word = 'main') over (
            partition by return_id, request_id, place
            order by entry_date
            range between unbounded preceding and current row
        ) as earlier_main_last_day,
        min(entry_date) filter (placement_rank_word = 'main' and last_day > entry_date) over (
            partition by return_id, request_id, place
            order by entry_date
            range between current row and unbounded following
        ) as later_main_entry_date,
    from placements
),

people as (
    select
        return_id,
        person_id,
        any_value(upn_unknown) as upn_unknown,
    from {{ ref('person') }}
    group by return_id, person_id
),

records as (
    select
        neighbours.*,
        cases.cease_date,
        cases.person_birth_date,
        cases.plan_res,
        cases.plan_wbp,
        people.upn_unknown,
        unknown_words.word as upn_unknown_word,
        named_settings.named_places,
        named_settings.names_no_place,
        named_settings.named_in_words,
        coalesce(
            neighbours.sen_setting_word
            not in ('not_in_education', 'notice_to_cease', 'not_in_education_other'),
            true
        ) as is_in_education,
        list_filter(
            [neighbours.urn, neighbours.ukprn, neighbours.sen_setting, establishments.ukprn],
            lambda place: place is not null
        ) as places,
        establishments.urn is not null as is_registered,
        establishments.type_code,
        establishments.open_date,
        establishments.close_date,
        establishments.has_sen_unit,
        establishments.has_resourced_provision,
        providers.ukprn is not null as is_provider,
        register.has_establishments,
        register.has_providers,
    from neighbours
    left join {{ ref('case_records') }} as cases
        on neighbours.return_id = cases.return_id and neighbours.request_id = cases.request_id
    left join people
        on neighbours.return_id = people.return_id and neighbours.person_id = people.person_id
    left join {{ ref('code_words') }} as unknown_words
        on unknown_words.codeset = 'UPNunknown'
            and people.upn_unknown = unknown_words.code
            and neighbours.collection_year
            between unknown_words.year_from and unknown_words.year_to
    left join named_settings
        on neighbours.return_id = named_settings.return_id
            and neighbours.request_id = named_settings.request_id
    left join establishments on neighbours.urn = establishments.urn
    left join providers on neighbours.ukprn = providers.ukprn
    cross join register
),

judged as (
    select
        return_id,
        person_id,
        request_id,
        placement_id as record_id,
        urn,
        ukprn,
        sen_setting,
        sen_setting_other,
        placement_rank,
        entry_date,
        leaving_date,
        attendance_pattern,
        sen_unit_indicator,
        resourced_provision_indicator,
        res,
        wbp,
        cease_date,
        person_birth_date,
        plan_res,
        plan_wbp,
        upn_unknown,
        'an earlier placement '
        || if(isfinite(earlier_last_day), 'ended ' || earlier_last_day, 'is still open')
            as beside_d13,
        'PlanDetail ' || named_in_words as beside_d21,

        -- more than one of URN, UKPRN and kind of setting is given
        (urn is null)::integer + (ukprn is null)::integer + (sen_setting is null)::integer < 2
            as rule_d02,

        -- the URN is badly formed, not registered, or of a school not open during the placement
        not regexp_full_match(urn, '[0-9]{5,6}')
        or (urn is not null and has_establishments and not is_registered)
        or close_date < entry_date
        or open_date > last_day as rule_d03,

        -- the UKPRN is badly formed
        not regexp_full_match(ukprn, '[0-9]{8}') as rule_d04,

        -- the UKPRN is not registered
        ukprn is not null and has_providers and not is_provider as rule_o27,

        -- the kind of setting is given and not a code of placements
        not {{ is_listed('sen_setting', 'SENSetting_placement') }} as rule_d05,

        -- a person younger or older than the code is meant for is NEET
        sen_setting_word = 'not_in_education'
        and {{ age_on('person_birth_date', 'survey_day') }}
        not between neet_age_from and neet_age_to as rule_d06,

        -- the setting is other, or out of education for another reason, and is not described
        sen_setting_word in ('not_in_education_other', 'other')
        and sen_setting_other is null as rule_d07,

        -- the rank is missing or not a code
        coalesce(not {{ is_listed('placement_rank', 'PlacementRank') }}, true) as rule_d08,

        -- the entry date is missing or after the survey day
        coalesce(entry_date > survey_day, true) as rule_d10,

        -- the leaving date is before the entry date or after the survey day
        leaving_date < entry_date or leaving_date > survey_day as rule_d11,

        -- the leaving date is before the period
        leaving_date < period_start as rule_d12,

        -- a main placement starts before an earlier one ends
        placement_rank_word = 'main' and entry_date < earlier_last_day as rule_d13,

        -- the plan has ceased and the placement has not, or ended later
        cease_date <= survey_day and coalesce(leaving_date > cease_date, true) as rule_d14,

        -- another placement has the same place, rank and entry date
        place is not null and copy_number > 1 as rule_d15,

        -- the attendance pattern is given and not a code
        not {{ is_listed('attendance_pattern', 'AttendancePattern') }} as rule_d16,

        -- the SEN unit or resourced provision indicator is not a code, or a school lacks it
        not {{ is_listed('sen_unit_indicator', 'YesNo') }}
        or not {{ is_listed('resourced_provision_indicator', 'YesNo') }}
        or (
            urn is not null
            and (sen_unit_indicator is null or resourced_provision_indicator is null)
        ) as rule_d17,

        -- the placement is in a SEN unit or resourced provision that the register does not have
        (sen_unit_indicator_word = 'yes' and has_sen_unit = '0')
        or (resourced_provision_indicator_word = 'yes' and has_resourced_provision = '0')
            as rule_d18,

        -- the residential stay or the work-based learning is given and not a code
        not {{ is_listed('res', 'Residential') }} or not {{ is_listed('wbp', 'WorkBasedLearning') }}
            as rule_d19,

        -- the open main placement is a place, and no main setting that the plan names, by any
        -- number
        placement_rank_word = 'main'
        and is_open
        and is_in_education
        and not names_no_place
        and len(places) > 0
        and not list_has_any(named_places, places) as rule_d21,

        -- the establishment is of a kind that is unusual for this return
        {{ is_listed('type_code', 'EstablishmentType_unusual') }} as rule_d22,

        -- the placement starts after the plan ceased
        entry_date > cease_date as rule_o12,

        -- the second placement is where the main one is, for more than a day
        placement_rank_word = 'second'
        and place is not null
        and (
            (earlier_main_last_day > entry_date and last_day > entry_date)
            or later_main_entry_date < last_day
        ) as rule_o14,

        -- there is no URN for the SEN unit or resourced provision
        urn is null
        and (sen_unit_indicator_word = 'yes' or resourced_provision_indicator_word = 'yes')
            as rule_o18,

        -- a person not in education has a residential stay or work-based learning, or one educated
        -- at home a residential stay
        (not is_in_education and (res is not null or wbp is not null))
        or (sen_setting_word = 'home_education' and res is not null) as rule_o19,

        -- a person too young for it has work-based learning
        wbp is not null
        and {{ age_on('person_birth_date', 'survey_day') }} < work_based_age_from as rule_o20,

        -- none of URN, UKPRN and kind of setting is given
        coalesce(urn, ukprn, sen_setting) is null as rule_d23,

        -- an attendance pattern is given, and the person is not of school age
        attendance_pattern is not null
        and {{ age_on('person_birth_date', 'age_reference_date') }}
        not between school_age_from and school_age_to as rule_d25,

        -- the open main placement is residential or work-based in another way than the plan names
        placement_rank_word = 'main'
        and is_open
        and (res is distinct from plan_res or wbp is distinct from plan_wbp) as rule_d26,

        -- the placement is open at a school that closed by the survey day
        is_open and close_date <= survey_day and coalesce(close_date >= entry_date, true)
            as rule_d27,

        -- a person said never to have been at a state-funded school is placed at one
        upn_unknown_word in ('never_state_funded', 'outside_england')
        and {{ is_listed('type_code', 'EstablishmentType_state_funded') }} as rule_d28,

        -- a person too old for it is at an early years provider, or of another age taught at home
        is_open
        and (
            (
                sen_setting_word = 'early_years'
                and {{ age_on('person_birth_date', 'survey_day') }} > early_years_age_to
            )
            or (
                sen_setting_word = 'home_education'
                and {{ age_on('person_birth_date', 'survey_day') }}
                not between home_education_age_from and home_education_age_to
            )
        ) as rule_d29,

        -- the description of the setting is longer than descriptions are
        length(sen_setting_other) > description_length as rule_d30,
    from records
)

{{ settled('judged') }}
