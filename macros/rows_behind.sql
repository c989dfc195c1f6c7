{# The records behind figures, with the row of the extract, or line of the file, each came from.

   The counted, a CTE, has return_id, request_id, breakdown_topic, breakdown
   and figure, a row for each
   figure that counts the record. The module is the table of the return that the record stands in.

   Which figures: dbt's --vars figure, breakdown (in words, as in published.figures) and return_id,
   for example '{figure: mainstream_total, breakdown: "Sex: Female"}'. A * stands for any text, so
   without them it is every figure of the built return. #}
{% macro rows_behind(counted, module) -%}
    select
        counted.figure,
        {{ row_in_words('counted.breakdown_topic', 'counted.breakdown', 'null') }} as breakdown,
        requests.person_id,
        counted.request_id,
        sources.source_file,
        sources.source_row,
    from {{ counted }} as counted
    inner join {{ ref('requests') }} as requests
        on counted.return_id = requests.return_id and counted.request_id = requests.request_id
    left join {{ ref('record_sources') }} as sources
        on counted.return_id = sources.return_id
            and counted.request_id = sources.record_id
            and sources.module = '{{ module }}'
    where
        counted.return_id = '{{ var("return_id", "built") }}'
        and lower(counted.figure) glob lower('{{ var("figure", "*") }}')
        and {{ row_in_words('counted.breakdown_topic', 'counted.breakdown', 'null') }}
            glob '{{ var("breakdown", "*") }}'
    order by
        counted.figure, breakdown, requests.person_id, counted.request_id, sources.source_row
{%- endmacro %}

{# The figures that count a record, a row each: the true columns of judged records. #}
{% macro figures_counting(judged) -%}
    select
        return_id,
        request_id,
        breakdown_topic,
        breakdown,
        figure,
    from (
        unpivot {{ judged }}
        on columns(* exclude (return_id, request_id, breakdown_topic, breakdown))
        into name figure value is_counted
    )
    where is_counted and request_id is not null
{%- endmacro %}

{# The plans behind a figure of a table of plans by primary need; a percentage is made of the
   count. #}
{% macro rows_of_needs(dataset, records) -%}
    with

    counted as (
        select
            return_id,
            request_id,
            breakdown_topic,
            breakdown,
            unnest([
                'ehc_plans',
                'number_' || {{ need_counted('need') }},
                case
                    when {{ need_counted('need') }} in ('ds', 'oth') then 'number_oth_with_ds'
                end,
            ]) as figure,
        from ({{ in_breakdowns(dataset, records) }})
        where request_id is not null
    ),

    named as (
        select * from counted
        where figure is not null
    )

    {{ rows_behind('named', 'named_plan') }}
{%- endmacro %}
