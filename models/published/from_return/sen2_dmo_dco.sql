-- One row per return: the authority's designated officers.
{% set officers = {'des_med_off': 'dmo', 'des_clin_off': 'dco', 'des_so_care_off': 'dsco'} %}
with

officers as (
    select
        returns.*,
        sen2.dmo,
        sen2.dco,
        sen2.dsco,
    from {{ ref('published_returns') }} as returns
    inner join {{ ref('sen2') }} as sen2 on returns.return_id = sen2.return_id
),

officers_with_words as (
    {{ with_words('officers', {
        'dmo': 'OfficerInPost',
        'dco': 'OfficerInPost',
        'dsco': 'OfficerInPost',
    }) }}
)

select
    return_id,
    survey_year as time_period,
    'Calendar year' as time_identifier,
    'Local authority' as geographic_level,
    'E92000001' as country_code,
    'England' as country_name,
    region_code,
    region_name,
    new_la_code,
    old_la_code,
    la_name,
    {% for column, item in officers.items() %}
        case
            {{ "when not has_social_care_officer then 'n/a'" if item == 'dsco' }}
            when {{ item }}_word = 'yes' then 'Yes'
            when {{ item }}_word = 'no' then 'No'
            when {{ item }}_word = 'recruiting' then 'Recruiting'
            else 'Not returned'
        end as {{ column }},
    {% endfor %}
from officers_with_words
