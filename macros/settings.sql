{# A date of the register of establishments as DATE: its download writes dd-mm-yyyy. #}
{% macro register_date(column) -%}
    coalesce(
        {{ date_of(column) }},
        case
            when regexp_full_match({{ column }}, '\d{2}-\d{2}-\d{4}')
                then try_strptime({{ column }}, '%d-%m-%Y')::date
        end
    )
{%- endmacro %}

{# A flag of the register as 0 or 1: its download says it in words, which gias_columns lists. #}
{% macro register_flag(column) -%}
    case
        {% for answer, list in [('1', 'yes_values'), ('0', 'no_values')] -%}
            when {{ column }} in (
                select unnest(string_split(word.{{ list }}, ';'))
                from {{ ref('gias_columns') }} as word
                where word.column_name = '{{ column }}'
            ) then '{{ answer }}'
        {% endfor -%}
        else {{ text(column) }}
    end
{%- endmacro %}

{# Where an age stands to compulsory school age: below, of, above, or unknown. #}
{% macro school_age(birth_date, reference_date, youngest, oldest) -%}
    case
        when {{ age_on(birth_date, reference_date) }} < {{ youngest }} then 'below'
        when {{ age_on(birth_date, reference_date) }} > {{ oldest }} then 'above'
        when {{ birth_date }} is not null then 'of'
        else 'unknown'
    end
{%- endmacro %}

{# The rows of a relation, each with the kind of setting it stands for and where DfE counts it.

   The relation, a CTE or a model, has the columns urn, ukprn, sen_setting, sen_unit_indicator,
   resourced_provision_indicator and school_age (see the macro above), as placement_detail and
   plan_detail do. Added are setting_kind, setting_status, published_column, published_group and
   form_cell. A row is never dropped or doubled. #}
{% macro with_settings(rows) -%}
    select
        placed.*,
        counted.published_column,
        counted.published_group,
        counted.form_cell,
    from ({{ with_setting_kinds(rows) }}) as placed
    left join {{ ref('setting_columns') }} as counted
        on placed.setting_kind = counted.kind
            and coalesce(coalesce(placed.school_age, 'unknown') = counted.school_age, true)
            -- Somebody in both is in the unit: it is the more separate place, and DfE lists it
            -- first.
            and coalesce(
                counted.unit = case
                    when placed.sen_unit_indicator = '1' then 'sen_unit'
                    when placed.resourced_provision_indicator = '1' then 'resourced_provision'
                    else 'none'
                end,
                true
            )
{%- endmacro %}

{# The rows of a relation with setting_kind, and setting_status, which says how it was found or why
   not. The URN goes before the UKPRN, the UKPRN before the code of a setting. #}
{% macro with_setting_kinds(rows) -%}
    select
        place.*,
        case
            when place.urn is not null then coalesce(school.kind, 'unknown')
            when provider.urn is not null then coalesce(provider.kind, 'unknown')
            when place.ukprn is not null and register.has_ukprns then 'ukrlp_provider'
            when place.ukprn is not null then 'unknown'
            else coalesce(setting.kind, 'nothing_usable')
        end as setting_kind,
        case
            when coalesce(school.kind, provider.kind, setting.kind) is not null then 'known'
            when coalesce(place.urn, place.ukprn) is null then 'nothing usable'
            when not register.has_establishments then 'no establishments table'
            when coalesce(school.urn, provider.urn) is not null
                then 'type of establishment not listed'
            when place.urn is not null then 'URN not in the table'
            when register.has_ukprns then 'known'
            else 'no UKPRN in the table'
        end as setting_status,
    from {{ rows }} as place
    cross join (
        select
            count(*) > 0 as has_establishments,
            count(ukprn) > 0 as has_ukprns,
        from {{ ref('establishments') }}
    ) as register
    left join {{ ref('establishments') }} as school on place.urn = school.urn
    left join {{ ref('establishments') }} as provider
        on place.ukprn = provider.ukprn and provider.is_ukprn_holder and place.urn is null
    left join (
        select distinct kind
        from {{ ref('setting_columns') }}
        where is_setting_code
    ) as setting
        on place.sen_setting = setting.kind and coalesce(place.urn, place.ukprn) is null
{%- endmacro %}
