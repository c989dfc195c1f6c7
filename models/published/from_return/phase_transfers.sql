-- One row per return: plans in force with a phase transfer due, and final plans, by calendar year.
-- A due date may be after the survey day, a final date is not.
{% set events = {'due': 'phase_transfer_due_date', 'final': 'phase_transfer_final_date'} %}
with

-- A return without a plan in force has a row too.
counted as (
    select
        returns.return_id,
        count(plans.request_id) as number_plans,
        {% for event, day in events.items() %}
            count(*) filter (plans.{{ day }} between plans.year_start and plans.year_end)
                as {{ event }}_calendar_year,
            count(*) filter (year(plans.{{ day }}) = plans.survey_year)
                as {{ event }}_survey_year,
        {% endfor %}
    from {{ ref('published_returns') }} as returns
    left join {{ ref('plans_at_survey_day') }} as plans on returns.return_id = plans.return_id
    group by returns.return_id
)

select
    returns.return_id,
    returns.calendar_year as time_period,
    'Calendar year' as time_identifier,
    'Local authority' as geographic_level,
    'E92000001' as country_code,
    'England' as country_name,
    returns.region_code,
    returns.region_name,
    returns.new_la_code,
    returns.old_la_code,
    returns.la_name,
    counted.number_plans::varchar as number_plans,
    {% for event in events %}
        {% for year in ['calendar_year', 'survey_year'] %}
            -- The first years had no such dates.
            case
                when returns.has_phase_transfers then counted.{{ event }}_{{ year }}::varchar
                else 'x'
            end as {{ event }}_{{ year }},
        {% endfor %}
    {% endfor %}
from counted
inner join {{ ref('published_returns') }} as returns on counted.return_id = returns.return_id
