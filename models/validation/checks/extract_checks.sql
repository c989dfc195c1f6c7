-- One row per landed row of the extract, and per correction of it: the rules on the extract, ours.
{% set request_tables = ['requests', 'assessments', 'disputes'] %}
{% set plan_tables = ['plans', 'plan_settings', 'placements', 'needs', 'reviews'] %}
with

allowed_words as (
    select
        table_name,
        column_name,
        string_split(allowed, ';') as words,
    from {{ ref('extract_contract') }}
    where allowed is not null
),

{% for table_name, table in contract_tables().items() %}
    {% set dates = table.dates if table_name != 'establishments' else [] %}
    -- Each row with what could not be read in it, in words.
    landed_{{ table_name }} as (
        select
            '{{ table_name }}' as table_name,
            {{ table.key if table.is_unique else 'null' }}::varchar as record_key,
            {{ 'person_id' if 'person_id' in table.ids else 'null' }}::varchar as person_id,
            {{ 'request_id' if table_name in request_tables else 'null' }}::varchar as request_id,
            {{ 'plan_id' if table_name in plan_tables else 'null' }}::varchar as plan_id,
            _file,
            _row,
            concat_ws(
                '; ',
                null
                {%- for column in dates %},
                '{{ column }} ' || {{ column }}_raw
                {%- endfor %}
            ) as unread_dates,
            concat_ws(
                '; ',
                null
                {%- for column in table.words %},
                case
                    when {{ is_unknown_word(table_name, column) }}
                        then '{{ column }} ' || coalesce({{ column }}, 'blank')
                end
                {%- endfor %}
            ) as unknown_words,
            concat_ws(
                ';',
                null
                {%- for column in dates %},
                if({{ column }}_raw is not null, '{{ column }}', null)
                {%- endfor %}
                {%- for column in table.words %},
                if({{ is_unknown_word(table_name, column) }}, '{{ column }}', null)
                {%- endfor %}
            ) as unread_columns,
        from {{ ref('stg_' ~ table_name) }}
    ),
{% endfor %}

ragged_lines as (
    select
        table_name,
        file as _file,
        row as _row,
        reason as unread_because,
    from {{ source('audit', 'rows_set_aside') }}
    where fault = 'ragged'
),

placement_plans as (
    select
        placement_id,
        min(plan_id) as plan_id,
    from {{ ref('stg_placements') }}
    group by placement_id
),

corrections as (
    select
        'overrides' as table_name,
        concat_ws(
            ' ',
            overrides.table_name,
            overrides.key,
            overrides.column_name,
            nullif(
                row_number() over (
                    partition by overrides.table_name, overrides.key, overrides.column_name
                    order by overrides.row
                ),
                1
            )
        ) as record_key,
        case when overrides.table_name = 'people' then overrides.key end as person_id,
        case
            when overrides.table_name in ('requests', 'assessments', 'disputes')
                then overrides.key
        end as request_id,
        case
            when overrides.table_name = 'placements' then placement_plans.plan_id
            when overrides.table_name in ('plans', 'plan_settings', 'needs', 'reviews')
                then overrides.key
        end as plan_id,
        overrides.file as _file,
        overrides.row as _row,
        case
            when overrides.status not in ('applied', 'expired') then overrides.status_reason
        end as unapplied_correction,
    from {{ ref('overrides') }} as overrides
    left join placement_plans on overrides.key = placement_plans.placement_id
),

first_rows as (
    select distinct on (person_id) *
    from {{ ref('people_traits') }}
    order by person_id, place, _file, _row
),

undecided_pairs as (
    select
        'people_matches' as table_name,
        matches.person_id || ' ' || matches.other_person_id as record_key,
        matches.person_id,
        first_rows._file,
        first_rows._row,
        'score ' || coalesce(matches.score, 0) || ': ' || matches.reason as undecided_match,
    from {{ ref('people_matches') }} as matches
    left join first_rows on matches.other_person_id = first_rows.person_id
    where matches.outcome = 'review' and matches.decision = 'none'
),

unfollowed_decisions as (
    select
        'people_matched' as table_name,
        decisions.person_id || ' ' || decisions.other_person_id as record_key,
        decisions.person_id,
        decisions._file,
        decisions._row,
        case decisions.status
            when 'unknown_person' then 'a person it names is not in the extract'
            when 'one_source' then 'both people are of one source'
            else 'the pair is ' || matches.outcome || ': ' || matches.reason
        end as unfollowed_decision,
    from {{ ref('people_decisions') }} as decisions
    left join {{ ref('people_matches') }} as matches
        on decisions.person_id = matches.person_id
            and decisions.other_person_id = matches.other_person_id
    where
        decisions.status <> 'stands'
        or (decisions.decision = 'same' and matches.outcome <> 'matched')
),

landed as (
    {% for table_name in contract_tables() %}
        select * from landed_{{ table_name }}
        union all by name
    {% endfor %}
    select * from ragged_lines
    union all by name
    select * from corrections
    union all by name
    select * from undecided_pairs
    union all by name
    select * from unfollowed_decisions
),

-- The items that what could not be read leaves blank.
unread_items as (
    select
        unread.table_name,
        unread._file,
        unread._row,
        string_agg(distinct items.xml_tag, ';' order by items.xml_tag) as unread_items,
    from (
        select
            table_name,
            _file,
            _row,
            unnest(string_split(unread_columns, ';')) as column_name,
        from landed
        where unread_columns <> ''
    ) as unread
    inner join {{ ref('column_items') }} as items
        on unread.table_name = items.source_table and unread.column_name = items.source_column
    group by unread.table_name, unread._file, unread._row
),

plans as (
    select * from {{ ref('case_plans') }}
),

requests as (
    select
        request_id,
        person_id,
    from {{ ref('stg_requests') }}
    qualify row_number() over (partition by request_id order by _file, _row) = 1
),

dispositions as (
    select * from {{ ref('row_dispositions') }}
),

returned_requests as (
    select * from {{ ref('request_outcomes') }}
),

rows_known as (
    select
        landed.*,
        coalesce(
            merged.into_person_id, landed.person_id, plans.person_id, requests.person_id
        ) as of_person_id,
        coalesce(landed.request_id, plans.request_id) as of_request_id,
        landed.table_name = 'plans' and plans._row = landed._row and plans._file = landed._file
            as is_plan_accepted,
        plans.request_fault,
        plans.named_request_id,
        plans.is_request_shared and plans.is_own_request as has_lost_request,
        plans.is_transferred_in,
        plans.transferred_date,
        plans.transferred_from_la,
        unread_items.unread_items,
        dispositions.disposition,
        rejected.fault,
        rejected.reason as rejected_because,
        coalesce(faults.faults, []) as faults,
        faults.found as faults_found,
    from landed
    left join plans on landed.plan_id = plans.plan_id
    left join requests on landed.request_id = requests.request_id
    left join {{ ref('merged_people') }} as merged
        on coalesce(landed.person_id, plans.person_id, requests.person_id) = merged.person_id
    left join dispositions
        on landed.table_name = dispositions.table_name
            and landed._file = dispositions.file
            and landed._row = dispositions.row
    left join unread_items
        on landed.table_name = unread_items.table_name
            and landed._file = unread_items._file
            and landed._row = unread_items._row
    left join {{ ref('rejected_rows') }} as rejected
        on landed.table_name = rejected.table_name
            and landed._file = rejected._file
            and landed._row = rejected._row
    left join {{ ref('extract_faults') }} as faults
        on landed.table_name = faults.table_name
            and landed._file = faults._file
            and landed._row = faults._row
),

judged as (
    select
        'built' as return_id,
        rows_known.of_person_id as person_id,
        rows_known.of_request_id as request_id,
        coalesce(
            rows_known.record_key,
            case
                when rows_known._file = rows_known.table_name || '.csv' then rows_known.table_name
                else rows_known._file
            end || ' row ' || rows_known._row
        ) as record_id,
        rows_known.table_name,
        rows_known._file as source_file,
        rows_known._row as source_row,
        rows_known.unread_items,
        concat_ws(
            '; ', nullif(rows_known.unread_dates, ''), nullif(rows_known.unknown_words, '')
        ) as unread,
        -- Where a plan names a request of another person, that request lacks the plan.
        if(rows_known.request_fault = 'other_person', rows_known.named_request_id, null)
            as about_record_id,
        concat_ws(
            '; ',
            rows_known.rejected_because,
            rows_known.unapplied_correction,
            rows_known.unread_because,
            rows_known.undecided_match,
            rows_known.unfollowed_decision,
            rows_known.faults_found
        ) as found,
        {% for rule in ['x04', 'x11'] %}
            coalesce(rows_known.unread_dates, '') as found_{{ rule }},
        {% endfor %}
        coalesce(rows_known.unknown_words, '') as found_x05,
        {% for rule in ['x03', 'x06'] %}
            'request_id ' || rows_known.named_request_id as found_{{ rule }},
        {% endfor %}
        {% for rule in ['x08', 'x10'] %}
            'transferred_date ' || coalesce(rows_known.transferred_date::varchar, 'blank')
            || '; transferred_from_la ' || coalesce(rows_known.transferred_from_la, 'blank')
                as found_{{ rule }},
        {% endfor %}

        -- an earlier row of the table has the same key, so this one is rejected
        rows_known.fault = 'repeated_key' as rule_x01,

        -- the row hangs from a record that is not there, so it is rejected
        rows_known.fault = 'missing_parent' as rule_x02,

        -- the plan names a request that is not there, or is another person's
        rows_known.is_plan_accepted and rows_known.request_fault is not null as rule_x03,

        -- a date of a returned row is not a date
        rows_known.unread_dates <> '' and rows_known.disposition <> 'out_of_scope' as rule_x04,

        -- a decision, or the kind or subject of a dispute, is not a word of the contract
        rows_known.unknown_words <> '' as rule_x05,

        -- an earlier plan keeps the request that this plan names
        rows_known.is_plan_accepted and rows_known.has_lost_request as rule_x06,

        -- the year has no code for a withdrawal, so it is returned as undecided
        rows_known.table_name = 'requests'
        and (
            returned_requests.request_word = 'withdrawn'
            or (returned_requests.is_proceeding
                and returned_requests.assessment_state = 'withdrawn')
        ) as rule_x07,

        -- the plan was transferred in, on a date that is not held
        rows_known.is_plan_accepted
        and rows_known.transferred_from_la is not null
        and rows_known.transferred_date is null as rule_x08,

        -- a key column is blank, so the row is rejected
        rows_known.fault = 'blank_key' as rule_x09,

        -- the plan was transferred in, from an authority that is not held
        rows_known.is_plan_accepted
        and rows_known.is_transferred_in
        and rows_known.transferred_from_la is null as rule_x10,

        -- a date of a row that is out of scope is not a date
        rows_known.unread_dates <> '' and rows_known.disposition = 'out_of_scope' as rule_x11,

        -- a correction was not applied, though it has not expired
        rows_known.unapplied_correction is not null as rule_x12,

        -- a line of a file cannot be told apart into values, so it was left out
        rows_known.unread_because is not null as rule_x13,

        -- two people of two sources may be the same, and nobody has decided
        rows_known.undecided_match is not null as rule_x14,

        -- a decision about two people cannot be followed
        rows_known.unfollowed_decision is not null as rule_x15,

        -- a date of the case that the return does not hold cannot be true beside another
        list_contains(rows_known.faults, 'contradiction') as rule_x16,

        -- the case begins after the survey day, though something of it is dated by then
        list_contains(rows_known.faults, 'begins_too_late') as rule_x17,

        -- a date of a case that is not returned cannot be true beside another
        list_contains(rows_known.faults, 'contradiction_out_of_scope') as rule_x18,

        -- a dispute is not returned, since the decision it is about is not
        list_has_any(
            rows_known.faults,
            ['dispute_before_decision', 'dispute_of_old_decision', 'dispute_of_case_out_of_scope']
        ) as rule_x19,

        -- a withdrawal is not returned, since a decision counts
        list_has_any(
            rows_known.faults, ['withdrawal_after_refusal', 'withdrawal_without_effect']
        ) as rule_x20,

        -- the person moved away, to an authority that is not held
        list_contains(rows_known.faults, 'move_to_no_authority') as rule_x21,

        -- the person moved away, on a date that is not held
        list_contains(rows_known.faults, 'move_without_date') as rule_x22,

        -- the person moved away after the case was finished
        list_contains(rows_known.faults, 'move_after_end') as rule_x23,

        -- nothing dated says when the refusal to assess was overturned
        list_contains(rows_known.faults, 'overturned_without_date') as rule_x24,

        -- the authority agreed after all, and no refusal is recorded
        list_contains(rows_known.faults, 'agreement_without_refusal') as rule_x25,
    from rows_known
    left join returned_requests on rows_known.request_id = returned_requests.request_id
)

{{ settled('judged') }}
