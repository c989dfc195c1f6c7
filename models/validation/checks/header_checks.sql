-- One row per return: the rules on its header and on the authority's officers.
with

headers as (
    select
        sen2.*,
        null::varchar as person_id,
        null::varchar as request_id,
        sen2.return_id as record_id,
        returns.collection_year,
        returns.survey_day,
    from {{ ref('sen2') }} as sen2
    inner join {{ ref('returns') }} as returns on sen2.return_id = returns.return_id
),

judged as (
    select
        * exclude (collection_year, survey_day),

        -- the reference date is missing or is not the survey day of the year
        (reference_date is distinct from survey_day) as rule_h01,

        -- the collection's name is missing or wrong
        coalesce(not {{ is_listed('collection', 'Collection') }}, true) as rule_h02,

        -- the year is not the year of the reference date
        (year is distinct from year(reference_date)::varchar) as rule_h03,

        -- the source level is missing or wrong
        coalesce(not {{ is_listed('source_level', 'SourceLevel') }}, true) as rule_h04,

        -- the authority's number is missing or was not an authority's on the survey day
        coalesce(not regexp_full_match(lea, '[0-9]{3}') or not {{ is_listed('lea', 'LA') }}, true)
            as rule_h05,

        -- the serial number is missing or not three digits
        coalesce(not regexp_full_match(serial_no, '[0-9]{3}'), true) as rule_h06,

        -- the date and time are missing or badly formed
        coalesce(
            not regexp_full_match(date_time, '\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}')
            or try_cast(date_time as timestamp) is null,
            true
        ) as rule_h07,

        -- the answer on the medical or the clinical officer is missing or not a code
        coalesce(
            not {{ is_listed('dmo', 'OfficerInPost') }}
            or not {{ is_listed('dco', 'OfficerInPost') }},
            true
        ) as rule_h08,

        -- the answer on the social care officer is missing or not a code (voluntary)
        coalesce(not {{ is_listed('dsco', 'OfficerInPost') }}, true) as rule_h09,

        -- the answer on the social care officer is missing or not a code
        coalesce(not {{ is_listed('dsco', 'OfficerInPost') }}, true) as rule_h10,
    from headers
)

{{ settled('judged') }}
