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

-- The dates as words, so that each reason reads as a sentence.
worded as (
    select
        *,
        coalesce('on ' || start_date, 'on a date not held') as started,
        coalesce('on ' || cease_date, 'on a date not held') as ceased,
        coalesce('on ' || assessment_state_date, 'on a date not held') as assessment_ended,
        coalesce('on ' || request_state_date, 'on a date not held') as request_ended,
        coalesce('on ' || received_date, 'on a date not held') as received,
        coalesce('on ' || moved_date, 'on a date not held') as moved,
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
            'The plan started ' || started || ' and had not ceased by ' || survey_day_words || '.'
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
            || coalesce('issued ' || assessment_state_date, 'not yet issued')
            || '), and none had started by ' || survey_day_words || '.'
        when 'assessment_withdrawn' then
            'The assessment was withdrawn ' || assessment_ended || ', in ' || period_words || '.'
        when 'ongoing_assessment' then
            case
                when has_moved then
                    'The person moved away ' || moved || ', in ' || period_words
                    || ', before the assessment was decided.'
                else
                    'The assessment was under way on ' || survey_day_words
                    || ' (request received ' || received || ').'
            end
        when 'not_assessed' then
            'It was decided ' || request_ended || ' not to assess, in ' || period_words || '.'
        when 'request_withdrawn' then
            case
                when request_state = 'withdrawn' and is_request_state_in_period
                    then 'The request was withdrawn ' || request_ended
                else 'The person moved away ' || moved || ', before a decision'
            end
            || ', in ' || period_words || '.'
        when 'ongoing_request' then
            'The request was received ' || received || ' and was undecided on '
            || survey_day_words || '.'
        when 'decided_before_period' then
            'The case ended ' || coalesce('on ' || ended_date, 'on a date not held')
            || ', before ' || period_words || ', and nothing has been live since.'
        when 'decided_after_period' then
            'The case ended on ' || ended_date || ', after ' || period_words
            || ': it belongs to the next return.'
        when 'received_after_survey_day' then
            case
                when plan_id is not null and is_own_request then
                    'The plan starts for this authority on '
                    || greatest(start_date, transferred_date) || ', after '
                    || survey_day_words || '.'
                else 'The request was received ' || received || ', after ' || survey_day_words || '.'
            end
    end as reason,
    near_misses.request_id is not null as near_miss,
from worded
left join near_misses using (request_id)
