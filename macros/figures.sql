{# Whether a row of a published table is no breakdown: it bears its topic's name, or what such a row
   is called in the table (total_row of published_datasets), or is the only one. #}
{% macro is_total_row(topic, row, total_row) -%}
    coalesce(
        {{ row }} = coalesce({{ total_row }}, {{ topic }})
        and coalesce({{ topic }} = {{ row }}, true),
        {{ row }} is null
    )
{%- endmacro %}

{# A row of a published table in words. #}
{% macro row_in_words(topic, row, total_row) -%}
    case
        when {{ is_total_row(topic, row, total_row) }} then coalesce({{ row }}, 'Authority')
        else concat_ws(': ', {{ topic }}, {{ row }})
    end
{%- endmacro %}

{# Whether a figure is a percentage, by its name in DfE's tables. #}
{% macro is_percentage(figure) -%}
    regexp_matches(lower({{ figure }}), '(^|_)pc(_|$)|rate$')
{%- endmacro %}

{# What a figure counts or is the percentage of: the same for a percentage and its own count. #}
{% macro counted_thing(figure) -%}
    regexp_replace(lower({{ figure }}), '^(pc_|number_need_|number_)|_pc$', '', 'g')
{%- endmacro %}

{# The shares that have a national band, each of a row of figures, in percent to one decimal.

   The figures, a CTE or a model, have the key columns named, dataset, breakdown, is_total, figure
   and number. A percentage of DfE's is a share as it stands; a count is one of its total. #}
{% macro shares_of(figures, keys) -%}
    select
        {% for key in keys %}
            parts.{{ key }},
        {% endfor %}
        parts.dataset,
        parts.breakdown,
        parts.figure,
        shares.what,
        round(
            case
                when shares.of_figure is null then parts.number
                else 100 * parts.number / nullif(wholes.number, 0)
            end,
            1
        ) as share,
        case when shares.of_figure is not null then wholes.number end as share_of_number,
    from {{ figures }} as parts
    inner join {{ ref('published_shares') }} as shares
        on parts.dataset = shares.dataset
            and parts.figure = shares.figure
            and (parts.is_total or shares.rows = 'every')
    left join {{ figures }} as wholes
        on shares.of_dataset = wholes.dataset
            and shares.of_figure = wholes.figure
            and wholes.is_total
            {% for key in keys %}
                and parts.{{ key }} = wholes.{{ key }}
            {% endfor %}
    -- A total is no share of itself.
    where
        not coalesce(
            parts.is_total
            and shares.dataset = shares.of_dataset
            and shares.figure = shares.of_figure,
            false
        )
{%- endmacro %}
