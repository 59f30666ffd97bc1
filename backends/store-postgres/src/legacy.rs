//! The `LegacyAccounts`.

use async_trait::async_trait;
use contract::{
    Account, DropSalt, LegacyAccounts, LegacyCount, LegacyDigest, LegacyRow, LegacyTable,
    StoreError, TakeOver,
};
use sqlx_core::{query::query, query_scalar::query_scalar, row::Row, sql_str::AssertSqlSafe};
use sqlx_postgres::{PgConnection, PgRow};

use crate::{PostgresStore, accounts, error::failed, store::bounded};

#[async_trait]
impl LegacyAccounts for PostgresStore {
    async fn legacy_count(&self, table: &LegacyTable) -> Result<LegacyCount, StoreError> {
        let names = Names::of(table);
        bounded(async { count(&mut *self.lease().await?, &names).await }).await
    }

    async fn legacy_rows(
        &self,
        table: &LegacyTable,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<LegacyRow>, StoreError> {
        let names = Names::of(table);
        bounded(async {
            let mut connection = self.lease().await?;
            let key_type = names.key_type(&mut connection).await?;
            let (from, key, columns, left) =
                (&names.table, &names.key, names.columns(), names.left());
            let sql = format!(
                "SELECT {columns} FROM {from}
                 WHERE {left} AND ($1::text IS NULL OR {key} > $1::text::{key_type})
                 ORDER BY {key} LIMIT $2"
            );
            let rows = query(AssertSqlSafe(sql))
                .bind(after)
                .bind(i64::from(limit))
                .fetch_all(&mut *connection)
                .await
                .map_err(failed)?;
            rows.iter().map(read).collect()
        })
        .await
    }

    async fn take_over(
        &self,
        table: &LegacyTable,
        row: &LegacyRow,
        account: &Account,
    ) -> Result<TakeOver, StoreError> {
        self.wipe(table, row, Some(account), LegacyTable::TAKEN)
            .await
    }

    async fn set_aside(
        &self,
        table: &LegacyTable,
        row: &LegacyRow,
        account: Option<&Account>,
    ) -> Result<TakeOver, StoreError> {
        self.wipe(table, row, account, LegacyTable::SET_ASIDE).await
    }

    async fn drop_salt(&self, table: &LegacyTable) -> Result<DropSalt, StoreError> {
        let names = Names::of(table);
        bounded(async {
            let mut transaction = self.begin().await?;
            // Nobody adds a row between the count and the end of the column.
            let lock = format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", names.table);
            query(AssertSqlSafe(lock))
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
            let LegacyCount { left, .. } = count(&mut transaction, &names).await?;
            if left > 0 {
                return Ok(DropSalt::Left(left));
            }
            if let Some(salt) = &names.salt {
                let sql = format!("ALTER TABLE {} DROP COLUMN {salt}", names.table);
                query(AssertSqlSafe(sql))
                    .execute(&mut *transaction)
                    .await
                    .map_err(failed)?;
            }
            transaction.commit().await?;
            Ok(DropSalt::Dropped)
        })
        .await
    }
}

impl PostgresStore {
    async fn wipe(
        &self,
        table: &LegacyTable,
        row: &LegacyRow,
        account: Option<&Account>,
        mark: &'static str,
    ) -> Result<TakeOver, StoreError> {
        let names = Names::of(table);
        bounded(async {
            let mut transaction = self.begin().await?;
            let key_type = names.key_type(&mut transaction).await?;
            let wiped = query(AssertSqlSafe(names.wiping(mark, &key_type)))
                .bind(&row.key)
                .bind(row.digest.as_ref().map(|digest| digest.as_str()))
                .bind(&row.salt)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
            if wiped.rows_affected() != 1 {
                return Ok(TakeOver::Changed);
            }
            if let Some(account) = account {
                let created = accounts::insert(account)
                    .execute(&mut *transaction)
                    .await
                    .map_err(failed)?;
                if created.rows_affected() == 0 {
                    return Ok(TakeOver::NameTaken);
                }
            }
            transaction.commit().await?;
            Ok(TakeOver::Taken)
        })
        .await
    }
}

async fn count(connection: &mut PgConnection, names: &Names) -> Result<LegacyCount, StoreError> {
    let digest = &names.digest;
    let sql = format!(
        "SELECT count(*) FILTER (WHERE {left}) AS left,
             count(*) FILTER (WHERE {digest} = '{taken}') AS taken,
             count(*) FILTER (WHERE {digest} = '{aside}') AS aside
         FROM {table}",
        left = names.left(),
        taken = LegacyTable::TAKEN,
        aside = LegacyTable::SET_ASIDE,
        table = names.table,
    );
    let row = query(AssertSqlSafe(sql))
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    let rows = |column: &str| row.try_get::<i64, _>(column).map_err(failed);
    Ok(LegacyCount {
        left: rows("left")?.unsigned_abs(),
        taken: rows("taken")?.unsigned_abs(),
        set_aside: rows("aside")?.unsigned_abs(),
    })
}

fn read(row: &PgRow) -> Result<LegacyRow, StoreError> {
    let text = |column: &str| row.try_get::<Option<String>, _>(column).map_err(failed);
    Ok(LegacyRow {
        key: row.try_get("key").map_err(failed)?,
        username: text("username")?,
        digest: text("digest")?.map(LegacyDigest::new),
        salt: text("salt")?,
        recipe: text("recipe")?,
    })
}

/// The names, as SQL has them.
struct Names {
    table: String,
    key: String,
    /// As the catalogue has it.
    key_name: String,
    username: String,
    digest: String,
    salt: Option<String>,
    recipe: Option<String>,
}

impl Names {
    fn of(table: &LegacyTable) -> Self {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let parts: Vec<String> = table.table.split('.').map(quoted).collect();
        Self {
            table: parts.join("."),
            key: quoted(&table.key),
            key_name: table.key.clone(),
            username: quoted(&table.username),
            digest: quoted(&table.digest),
            salt: table.salt.as_deref().map(quoted),
            recipe: table.recipe.as_deref().map(quoted),
        }
    }

    /// The type of the key, as SQL has it: a key comes back as text.
    async fn key_type(&self, connection: &mut PgConnection) -> Result<String, StoreError> {
        query_scalar(
            "SELECT format_type(atttypid, NULL) FROM pg_attribute
             WHERE attrelid = $1::regclass AND attname = $2 AND NOT attisdropped",
        )
        .bind(&self.table)
        .bind(&self.key_name)
        .fetch_one(connection)
        .await
        .map_err(failed)
    }

    fn columns(&self) -> String {
        let optional =
            |column: Option<&String>| column.map_or("NULL".to_owned(), |c| format!("{c}::text"));
        format!(
            "{}::text AS key, {}::text AS username, {}::text AS digest, {} AS salt, {} AS recipe",
            self.key,
            self.username,
            self.digest,
            optional(self.salt.as_ref()),
            optional(self.recipe.as_ref()),
        )
    }

    /// Rows that were not taken over and not set aside. The marks are of the
    /// column's type, whichever it is.
    fn left(&self) -> String {
        format!(
            "({} NOT IN ('{}', '{}')) IS NOT FALSE",
            self.digest,
            LegacyTable::TAKEN,
            LegacyTable::SET_ASIDE
        )
    }

    /// Puts a mark in the place of the digest, if the row of the key `$1` has
    /// the digest `$2` and the salt `$3`.
    fn wiping(&self, mark: &'static str, key_type: &str) -> String {
        let (table, key, digest) = (&self.table, &self.key, &self.digest);
        let (wipe_salt, salt) = match &self.salt {
            Some(salt) => (format!(", {salt} = ''"), format!("{salt}::text")),
            None => (String::new(), "NULL".to_owned()),
        };
        format!(
            "UPDATE {table} SET {digest} = '{mark}'{wipe_salt}
             WHERE {key} = $1::text::{key_type}
                 AND {digest}::text IS NOT DISTINCT FROM $2::text
                 AND {salt} IS NOT DISTINCT FROM $3::text"
        )
    }
}
