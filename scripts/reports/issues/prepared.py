"""What the lines need that a warehouse may lack: whose a case is, last year's answers."""

import duckdb


def _has_column(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str, column: str
) -> bool:
    return bool(
        connection.execute(
            "select 1 from duckdb_columns()"
            " where schema_name = ? and table_name = ? and column_name = ?"
            " and database_name = current_database()",
            [schema, table, column],
        ).fetchone()
    )


def prepare_workers(connection: duckdb.DuckDBPyConnection) -> None:
    """Whose each person is, by the contract's column `worker`; nobody where no extract landed."""
    of_extract = "select person_id, worker from staging.stg_people where worker is not null"
    nobody = "select null::varchar as person_id, null::varchar as worker where false"
    has_workers = _has_column(connection, "staging", "stg_people", "worker")
    connection.execute(
        "create or replace temp table workers as"
        f" select person_id, min(worker) as worker from ({of_extract if has_workers else nobody})"
        " group by person_id"
    )


def prepare_offered(connection: duckdb.DuckDBPyConnection) -> None:
    """The notes of an earlier year whose query is found again with the same value."""
    connection.execute(
        """
        create or replace temp table offered as
        select
            issues.return_id,
            issues.rule_id,
            issues.record_id,
            issues.found,
            max_by(notes.note_text, notes.row) as note_text,
        from validation.query_notes as notes
        inner join validation.issues as issues
            on issues.return_id = 'built'
                and notes.rule_id = issues.rule_id
                and notes.record_id in (issues.record_id, '*')
                and (notes.found is null or notes.found = issues.found)
        where notes.status = 'offered' and issues.severity = 'query'
        group by all
        """
    )
