-- One row per share of a return that has a national band: the rule on where it lies.
with

labels as (
    select
        dataset,
        figure,
        max_by(label, release) as label,
    from (
        select release, dataset, figure, label from {{ ref('published_columns') }}
        union all
        select release, dataset, column_name, label from {{ ref('published_columns_2022') }}
    )
    group by dataset, figure
),

-- How many children a row of a table counts, for each count of it.
counts as (
    select
        return_id,
        dataset,
        breakdown,
        is_total,
        {{ counted_thing('figure') }} as counted_thing,
        any_value(this_year) as count_this_year,
    from {{ ref('figure_changes') }}
    where not {{ is_percentage('figure') }} and try_cast(this_year as bigint) is not null
    group by all
    having count(*) = 1
),

judged as (
    select
        changes.return_id,
        null::varchar as person_id,
        null::varchar as request_id,
        changes.dataset || '/' || changes.figure
        || case when changes.is_total then '' else '/' || changes.breakdown end as record_id,
        changes.dataset || ' ' || labels.label
        || case when changes.is_total then '' else ' (' || changes.breakdown || ')' end
        || ': ' || changes.share || '%' || case
            when changes.share_of <> 'DfE''s own percentage' then ' ' || changes.share_of
            else ''
        end
        || case counts.count_this_year
            when '1' then ' (1 child)'
            else coalesce(' (' || counts.count_this_year || ' children)', '')
        end
        || ', nationally ' || changes.band_low || ' to ' || changes.band_high
        || ' (' || changes.band_year || ')' as found,

        -- the share is below or above the band that authorities were in, by enough children
        changes.is_outside_band
        and coalesce(changes.count_outside_band >= returns.explain_at_least, true) as rule_b01,
    from {{ ref('figure_changes') }} as changes
    inner join {{ ref('returns') }} as returns on changes.return_id = returns.return_id
    inner join labels
        on changes.dataset = labels.dataset and changes.figure = labels.figure
    left join counts
        on changes.return_id = counts.return_id
            and changes.dataset = counts.dataset
            and changes.breakdown = counts.breakdown
            and changes.is_total = counts.is_total
            and {{ counted_thing('changes.figure') }} = counts.counted_thing
    where changes.band_low is not null
)

{{ settled('judged') }}
