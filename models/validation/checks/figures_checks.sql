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

judged as (
    select
        changes.return_id,
        null::varchar as person_id,
        null::varchar as request_id,
        changes.dataset || '/' || changes.figure
        || case when changes.is_total then '' else '/' || changes.breakdown end as record_id,
        changes.dataset || '.csv: ' || labels.label
        || case when changes.is_total then '' else ' (' || changes.breakdown || ')' end
        || ': ' || changes.share || '%' || case
            when changes.share_of <> 'DfE''s own percentage' then ' ' || changes.share_of
            else ''
        end
        || ', nationally ' || changes.band_low || ' to ' || changes.band_high
        || ' (' || changes.band_year || ')'
        || coalesce('; outside it are ' || changes.count_outside_band || ' children', '') as found,

        -- the share is below or above the band that authorities were in, by enough children
        changes.is_outside_band
        and coalesce(changes.count_outside_band >= returns.explain_at_least, true) as rule_b01,
    from {{ ref('figure_changes') }} as changes
    inner join {{ ref('returns') }} as returns on changes.return_id = returns.return_id
    inner join labels
        on changes.dataset = labels.dataset and changes.figure = labels.figure
    where changes.band_low is not null
)

{{ settled('judged') }}
