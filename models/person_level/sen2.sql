-- One row per return: its header and the authority's officers.
with

codes as (
    select
        max(code) filter (codeset = 'Collection') as collection,
        max(code) filter (codeset = 'SourceLevel') as source_level,
    from {{ ref('codes') }}
),

built as (
    select
        'built' as return_id,
        codes.collection,
        collection_year::varchar as year,
        survey_day as reference_date,
        codes.source_level,
        la_code as lea,
        software_code,
        release,
        format('{:03d}', serial_no) as serial_no,
        strftime(as_at, '%Y-%m-%dT%H:%M:%S') as date_time,
        dmo,
        dco,
        {{ if_collected('sen2', 'dsco', 'dsco') }} as dsco,
    from {{ ref('survey') }}
    cross join codes
),

imported as (
    select
        * replace (
            {{ date_of('reference_date') }} as reference_date,
        ),
    from {{ source('imported', 'sen2') }}
)

select * from built
union all by name
select * from imported
