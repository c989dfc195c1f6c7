-- One row per case: in the return or not, the category, and why in plain words with its dates.
with

categories as (
    select * from {{ ref('case_categories') }}
),

as_they_are as (
    select * from categories
    where moved_column is null
),

near_misses as (
    select distinct moved.request_id,
    from categories as moved
    inner join as_they_are on moved.request_id = as_they_are.request_id
    where moved.moved_column is not null and moved.in_return <> as_they_are.in_return
),

earlier_events as (
    select distinct request_id from {{ ref('early_events') }}
),

-- The dates as words, so that each reason reads as a sentence.
worded as (
    select
        *,
        coalesce('on ' || start_date, 'on a date not recorded') as started,
        coalesce('on ' || cease_date, 'on a date not recorded') as ceased,
        {% for stage in ('request', 'assessment') %}
            coalesce(
                'on ' || {{ stage }}_state_date,
                'on a date that cannot be right (' || {{ stage }}_decision_returned_date || ')',
                'on a date not recorded'
            ) as {{ stage }}_ended,
        {% endfor %}
        coalesce('on ' || received_date, 'on a date not recorded') as received,
        case
            when is_moved_too_early then 'on a date that cannot be right (' || moved_date || ')'
            else coalesce('on ' || moved_date, 'on a date not recorded')
        end as moved,
        case
            when judged_day < survey_day then 'the end of the period (' || judged_day || ')'
            else 'the survey day (' || survey_day || ')'
        end as judged_day_words,
        'the survey day (' || survey_day || ')' as survey_day_words,
        'the period (' || period_start || ' to ' || period_end || ')' as period_words,
    from as_they_are
)

select
    request_id,
    person_id,
    plan_id,
    in_return,
    category,
    case category
        when 'active_plan' then
            'The plan started ' || started || ' and had not ceased by ' || survey_day_words
            || case
                when is_ceased_too_early
                    then '. Its cease date (' || cease_date
                    || ') cannot be right, so it does not count.'
                else '.'
            end
        when 'recently_ceased' then
            'The plan ceased ' || ceased || ', between the start of ' || period_words
            || ' and ' || survey_day_words || '.'
        when 'ceased_before_period' then
            'The plan ceased ' || ceased || ', before ' || period_words || '.'
        when 'not_issued' then
            'It was decided ' || assessment_ended || ' not to issue a plan, in '
            || period_words || '.'
        when 'awaiting_issue' then
            'It was decided to issue a plan ('
            || coalesce(
                'issued ' || assessment_state_date,
                'issued ' || assessment_ended,
                'not yet issued'
            )
            || '), and none had started by ' || survey_day_words || '.'
        when 'assessment_withdrawn' then
            'The assessment was withdrawn ' || assessment_ended || ', in ' || period_words || '.'
        when 'ongoing_assessment' then
            case
                when has_moved then
                    'The person moved away ' || moved || ', in ' || period_words
                    || ', before the assessment was decided.'
                else
                    'The assessment was under way on ' || judged_day_words
                    || ' (request received ' || received || ').'
            end
        when 'not_assessed' then
            'It was decided ' || request_ended || ' not to assess, in ' || period_words || '.'
        when 'request_withdrawn' then
            case
                when request_state = 'withdrawn' then 'The request was withdrawn ' || request_ended
                else 'The person moved away ' || moved || ', before a decision'
            end
            || ', in ' || period_words || '.'
        when 'ongoing_request' then
            'The request was received ' || received || ' and was undecided on '
            || judged_day_words || '.'
        when 'decided_before_period' then
            'The case ended ' || coalesce('on ' || ended_date, 'on a date not recorded')
            || ', before ' || period_words || ', and nothing has been live since.'
        when 'received_after_survey_day' then
            case
                when plan_id is not null and is_own_request then
                    'The plan starts for this authority on '
                    || greatest(start_date, transferred_date) || ', after '
                    || survey_day_words || '.'
                else
                    'The request was received ' || received || ', after ' || judged_day_words
                    || '.'
            end
    end as reason,
    near_misses.request_id is not null as near_miss,
    category = 'received_after_survey_day' and earlier_events.request_id is not null
        as is_out_despite_earlier_event,
from worded
left join near_misses using (request_id)
left join earlier_events using (request_id)
