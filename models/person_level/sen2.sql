-- One row per return: its header and the authority's officers.
with

built as (
    select
        'built' as return_id,
        (select code from {{ ref('codes') }} where codeset = 'Collection') as collection,
        collection_year::varchar as year,
        survey_day as reference_date,
        (select code from {{ ref('codes') }} where codeset = 'SourceLevel') as source_level,
        la_code as lea,
        software_code,
        release,
        format('{:03d}', serial_no) as serial_no,
        strftime(as_at, '%Y-%m-%dT%H:%M:%S') as date_time,
        dmo,
        dco,
        {{ if_collected('sen2', 'dsco', 'dsco') }} as dsco,
    from {{ ref('survey') }}
),

imported as (
    select * replace (
        {{ date_of('reference_date') }} as reference_date,
    )
    from {{ source('imported', 'sen2') }}
)

select * from built
union all by name
select * from imported
