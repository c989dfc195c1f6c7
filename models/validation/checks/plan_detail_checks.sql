-- One row per setting named in a plan, per return: the rules on how it is identified.
with

-- Of an establishment landed twice, the first counts.
establishments as (
    select * from {{ ref('stg_establishments') }}
    qualify row_number() over (partition by urn order by _file, _row) = 1
),

ukprns as (
    select distinct ukprn from establishments
    where ukprn is not null
),

register as (
    select
        count(*) > 0 as is_landed,
        count(ukprn) > 0 as has_ukprns,
    from establishments
),

settings_numbered as (
    select
        *,
        {{ record_id_of('plan_detail') }} as record_id,
    from {{ ref('plan_detail') }}
),

settings_with_year as (
    select
        settings_numbered.*,
        returns.collection_year,
        returns.description_length,
    from settings_numbered
    inner join {{ ref('returns') }} as returns
        on settings_numbered.return_id = returns.return_id
),

settings_named as (
    {{ with_words('settings_with_year', {
        'placement_rank': 'PlacementRank',
        'sen_setting': 'SENSetting',
        'sen_unit_indicator': 'YesNo',
        'resourced_provision_indicator': 'YesNo',
    }) }}
),

-- Second settings that are the plan's main setting, by the first number that both give.
named_twice as (
    select distinct
        seconds.return_id,
        seconds.record_id,
    from settings_named as seconds
    inner join settings_named as mains
        on seconds.return_id = mains.return_id and seconds.request_id = mains.request_id
    where
        seconds.placement_rank_word = 'second'
        and mains.placement_rank_word = 'main'
        and case
            when seconds.urn is not null and mains.urn is not null then seconds.urn = mains.urn
            when seconds.ukprn is not null and mains.ukprn is not null
                then seconds.ukprn = mains.ukprn
            else
                seconds.sen_setting = mains.sen_setting
                and seconds.sen_setting_other is not distinct from mains.sen_setting_other
        end
),

details as (
    select
        settings_named.*,
        register.is_landed and establishments.urn is null as is_urn_unknown,
        register.has_ukprns and ukprns.ukprn is null as is_ukprn_unknown,
        establishments.has_sen_unit,
        establishments.has_resourced_provision,
        named_twice.record_id is not null as is_named_twice,
    from settings_named
    cross join register
    left join establishments on settings_named.urn = establishments.urn
    left join ukprns on settings_named.ukprn = ukprns.ukprn
    left join named_twice
        on settings_named.return_id = named_twice.return_id
            and settings_named.record_id = named_twice.record_id
),

judged as (
    select
        * exclude (
            collection_year,
            description_length,
            is_urn_unknown,
            is_ukprn_unknown,
            has_sen_unit,
            has_resourced_provision,
            is_named_twice,
            placement_rank_word,
            sen_setting_word,
            sen_unit_indicator_word,
            resourced_provision_indicator_word
        ),

        -- more than one of URN, UKPRN and kind of setting is given
        (urn is not null)::integer + (ukprn is not null)::integer
        + (sen_setting is not null)::integer > 1 as rule_n19,

        -- the URN is given and has the wrong form, or is not in the register
        not regexp_full_match(urn, '[0-9]{5,6}') or (urn is not null and is_urn_unknown)
            as rule_n20,

        -- the UKPRN is given and has the wrong form
        not regexp_full_match(ukprn, '1[0-9]{7}') as rule_n21,

        -- the UKPRN is given and is not in the register
        ukprn is not null and is_ukprn_unknown as rule_o26,

        -- the kind of setting is given and is not one that a plan may name
        not {{ is_listed('sen_setting', 'SENSetting_plan') }} as rule_n22,

        -- the setting is other without a description, or the description is of one that is not
        coalesce(sen_setting_word = 'other', false) <> (sen_setting_other is not null) as rule_n23,

        -- the rank is missing or not a code
        coalesce(not {{ is_listed('placement_rank', 'PlacementRank') }}, true) as rule_n24,

        -- an answer on a unit or provision is not a code, or is missing for a school
        coalesce(not {{ is_listed('sen_unit_indicator', 'YesNo') }}, urn is not null)
        or coalesce(
            not {{ is_listed('resourced_provision_indicator', 'YesNo') }}, urn is not null
        ) as rule_n26,

        -- the place is marked as both a SEN unit and resourced provision
        sen_unit_indicator_word = 'yes' and resourced_provision_indicator_word = 'yes' as rule_n27,

        -- the place is marked as a unit or provision, and the register says the school has none
        (sen_unit_indicator_word = 'yes' and has_sen_unit = '0')
        or (resourced_provision_indicator_word = 'yes' and has_resourced_provision = '0')
            as rule_n28,

        -- the second setting is the main one again
        is_named_twice as rule_o15,

        -- a unit or provision is marked for a setting with no URN
        urn is null
        and (sen_unit_indicator_word = 'yes' or resourced_provision_indicator_word = 'yes')
            as rule_o17,

        -- none of URN, UKPRN and kind of setting is given
        coalesce(urn, ukprn, sen_setting) is null as rule_n32,

        -- the description of the setting is longer than descriptions are
        length(sen_setting_other) > description_length as rule_n35,
    from details
)

{{ settled('judged') }}
