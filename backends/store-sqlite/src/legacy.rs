//! The `LegacyAccounts`.

use async_trait::async_trait;
use contract::{
    Account, DropSalt, LegacyAccounts, LegacyCount, LegacyDigest, LegacyRow, LegacyTable,
    StoreError, TakeOver,
};
use sqlx_core::{
    query::query, query_scalar::query_scalar, row::Row, sql_str::AssertSqlSafe,
    transaction::Transaction,
};
use sqlx_sqlite::{Sqlite, SqliteRow};

use crate::{SqliteStore, accounts, error::failed};

#[async_trait]
impl LegacyAccounts for SqliteStore {
    async fn legacy_count(&self, table: &LegacyTable) -> Result<LegacyCount, StoreError> {
        // On the writer: a reader's connection may know the table as it was.
        let mut transaction = self.begin().await?;
        let count = count(&mut transaction, &Names::of(table)).await?;
        transaction.rollback().await.map_err(failed)?;
        Ok(count)
    }

    async fn legacy_rows(
        &self,
        table: &LegacyTable,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<LegacyRow>, StoreError> {
        let names = Names::of(table);
        let (from, key) = (&names.table, &names.key);
        let columns = names.columns();
        let left = names.left();
        // A number that is bound as text is compared as a number where the
        // column is one.
        let behind = after.map_or("?1 IS NULL".to_owned(), |_| format!("{key} > ?1"));
        let sql = format!(
            "SELECT {columns} FROM {from} WHERE {left} AND {behind} ORDER BY {key} LIMIT ?2"
        );
        let rows = query(AssertSqlSafe(sql))
            .bind(after)
            .bind(limit)
            .fetch_all(self.readers())
            .await
            .map_err(failed)?;
        rows.iter().map(read).collect()
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
        let mut transaction = self.begin().await?;
        let LegacyCount { left, .. } = count(&mut transaction, &names).await?;
        if left > 0 {
            transaction.rollback().await.map_err(failed)?;
            return Ok(DropSalt::Left(left));
        }
        if let Some(salt) = &names.salt {
            let sql = format!("ALTER TABLE {} DROP COLUMN {salt}", names.table);
            query(AssertSqlSafe(sql))
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(DropSalt::Dropped)
    }
}

impl SqliteStore {
    async fn wipe(
        &self,
        table: &LegacyTable,
        row: &LegacyRow,
        account: Option<&Account>,
        mark: &'static str,
    ) -> Result<TakeOver, StoreError> {
        let names = Names::of(table);
        let mut transaction = self.begin().await?;
        let wiped = query(AssertSqlSafe(names.wiping()))
            .bind(mark)
            .bind(&row.key)
            .bind(row.digest.as_ref().map(|digest| digest.as_str()))
            .bind(&row.salt)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        if wiped.rows_affected() != 1 {
            transaction.rollback().await.map_err(failed)?;
            return Ok(TakeOver::Changed);
        }
        if let Some(account) = account {
            let created = accounts::insert(account)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
            if created.rows_affected() == 0 {
                transaction.rollback().await.map_err(failed)?;
                return Ok(TakeOver::NameTaken);
            }
        }
        transaction.commit().await.map_err(failed)?;
        Ok(TakeOver::Taken)
    }
}

async fn count(
    transaction: &mut Transaction<'static, Sqlite>,
    names: &Names,
) -> Result<LegacyCount, StoreError> {
    let mut counts = [0; 3];
    let marked = |mark: &str| format!("coalesce({} = '{mark}', FALSE)", names.digest);
    let conditions = [
        names.left(),
        marked(LegacyTable::TAKEN),
        marked(LegacyTable::SET_ASIDE),
    ];
    for (count, condition) in counts.iter_mut().zip(conditions) {
        let sql = format!("SELECT count(*) FROM {} WHERE {condition}", names.table);
        let rows: i64 = query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut **transaction)
            .await
            .map_err(failed)?;
        *count = rows.unsigned_abs();
    }
    let [left, taken, set_aside] = counts;
    Ok(LegacyCount {
        left,
        taken,
        set_aside,
    })
}

fn read(row: &SqliteRow) -> Result<LegacyRow, StoreError> {
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
    username: String,
    digest: String,
    salt: Option<String>,
    recipe: Option<String>,
}

impl Names {
    fn of(table: &LegacyTable) -> Self {
        // Backticks: what stands in double quotes and is no column's name is taken
        // for a text.
        let quoted = |name: &str| format!("`{}`", name.replace('`', "``"));
        let parts: Vec<String> = table.table.split('.').map(quoted).collect();
        Self {
            table: parts.join("."),
            key: quoted(&table.key),
            username: quoted(&table.username),
            digest: quoted(&table.digest),
            salt: table.salt.as_deref().map(quoted),
            recipe: table.recipe.as_deref().map(quoted),
        }
    }

    fn columns(&self) -> String {
        let optional = |column: Option<&String>| column.map_or("NULL".to_owned(), |c| text(c));
        format!(
            "CAST({} AS TEXT) AS key, {} AS username, {} AS digest, {} AS salt, {} AS recipe",
            self.key,
            text(&self.username),
            text(&self.digest),
            optional(self.salt.as_ref()),
            optional(self.recipe.as_ref()),
        )
    }

    /// Rows that were not taken over and not set aside.
    fn left(&self) -> String {
        format!(
            "coalesce({} NOT IN ('{}', '{}'), TRUE)",
            self.digest,
            LegacyTable::TAKEN,
            LegacyTable::SET_ASIDE
        )
    }

    /// Puts `?1` in the place of the digest, if the row of the key `?2` has the
    /// digest `?3` and the salt `?4`.
    fn wiping(&self) -> String {
        let (table, key, digest) = (&self.table, &self.key, &self.digest);
        let is_digest = format!("{} IS ?3", text(digest));
        let (wipe_salt, is_salt) = match &self.salt {
            Some(salt) => (format!(", {salt} = ''"), format!("{} IS ?4", text(salt))),
            None => (String::new(), "?4 IS NULL".to_owned()),
        };
        format!(
            "UPDATE {table} SET {digest} = ?1{wipe_salt}
             WHERE {key} = ?2 AND {is_digest} AND {is_salt}"
        )
    }
}

/// A column as text; binary data in hexadecimal digits.
fn text(column: &str) -> String {
    format!("CASE typeof({column}) WHEN 'blob' THEN hex({column}) ELSE CAST({column} AS TEXT) END")
}
