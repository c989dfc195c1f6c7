-- Every key in an evidence column is a row of `evidence`.
with

claims as (
    {% for seed in [
        'collections',
        'items',
        'codes',
        'xml_structure',
        'rules',
        'upn_la_codes',
        'outcome_codes',
        'thresholds',
        'key_dates',
        'local_authorities',
        'ethnic_groups',
        'establishment_kinds',
        'setting_columns',
        'gias_columns',
        'import_columns',
        'form_cells',
        'published_columns',
        'published_columns_2022',
        'published_breakdowns',
    ] %}
        select
            '{{ seed }}' as seed,
            evidence,
        from {{ ref(seed) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

cited as (
    select distinct
        seed,
        unnest(regexp_extract_all(evidence, 'E-[A-Z0-9]+(?:-[A-Z0-9]+)*')) as key,
    from claims
)

select
    cited.seed,
    cited.key,
from cited
anti join {{ ref('evidence') }} as evidence on cited.key = evidence.key
