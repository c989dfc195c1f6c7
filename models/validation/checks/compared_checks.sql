-- One row per person of a return, and of last year's who is not in it: the rules on what changed.
with

pairs as (
    select * from {{ ref('compared_returns') }}
),

changes as (
    select
        changes.earlier_return_id,
        changes.later_return_id,
        changes.earlier_person_id,
        changes.later_person_id,
        bool_or(changes.kind in ('vanished', 'case_vanished')) as has_vanished,
        bool_or(changes.is_rewritten) as is_rewritten,
        string_agg(
            kinds.label || coalesce(
                ': ' || case
                    when changes.kind = 'date_changed'
                        then changes.item || ' ' || coalesce(changes.earlier_value, 'blank')
                        || ', now ' || coalesce(changes.later_value, 'blank')
                    else changes.detail
                end,
                ''
            ),
            '; ' order by kinds.position, changes.item, changes.earlier_value, changes.later_value
        ) as what_changed,
    from {{ ref('compared_changes') }} as changes
    inner join {{ ref('compared_kinds') }} as kinds on changes.kind = kinds.kind
    where changes.is_rewritten or changes.kind in ('vanished', 'case_vanished')
    group by all
),

doubts as (
    select
        earlier_return_id,
        later_return_id,
        earlier_person_id,
        'perhaps person ' || min(later_person_id) || ' here (' || min_by(reason, later_person_id)
        || ')' as who_it_may_be,
    from {{ ref('compared_doubts') }}
    group by all
),

-- Whoever is not in the return has a record of last year's alone, which is named with its return.
records as (
    select
        people.*,
        pairs.earlier_year,
        coalesce(
            people.later_person_id, people.earlier_person_id || '@' || people.earlier_return_id
        ) as record_id,
    from {{ ref('compared_people') }} as people
    inner join pairs
        on people.earlier_return_id = pairs.earlier_return_id
            and people.later_return_id = pairs.later_return_id
),

judged as (
    select
        records.later_return_id as return_id,
        records.record_id as person_id,
        null::varchar as request_id,
        records.record_id,
        'Beside ' || records.earlier_return_id || ' of ' || records.earlier_year || ': '
        || concat_ws(
            '; ',
            changes.what_changed,
            case when changes.has_vanished then doubts.who_it_may_be end
        ) as found,
        sources.source_file,
        sources.source_row,

        -- last year's return had the person, or the case, as going on, and this one has not
        changes.has_vanished as rule_y01,

        -- what lies before last year's survey day is not what last year's return said
        changes.is_rewritten as rule_y02,
    from records
    left join changes
        on records.earlier_return_id = changes.earlier_return_id
            and records.later_return_id = changes.later_return_id
            and records.earlier_person_id is not distinct from changes.earlier_person_id
            and records.later_person_id is not distinct from changes.later_person_id
    left join doubts
        on records.earlier_return_id = doubts.earlier_return_id
            and records.later_return_id = doubts.later_return_id
            and records.earlier_person_id = doubts.earlier_person_id
            and records.later_person_id is null
    left join {{ ref('record_sources') }} as sources
        on sources.module = 'person'
            and coalesce(
                case when records.later_person_id is not null then records.later_return_id end,
                records.earlier_return_id
            ) = sources.return_id
            and coalesce(records.later_person_id, records.earlier_person_id) = sources.record_id
)

{{ settled('judged') }}
