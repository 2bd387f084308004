//! A shop's database, made anew at each start: 100,000 rows in five tables, the same every time.

mod words;

use std::path::Path;

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rusqlite::{Connection, Transaction, params};

use words::{CITIES, FAMILY_NAMES, GIVEN_NAMES, MATERIALS, OPINIONS, STATES, THINGS};

const CUSTOMERS: u32 = 10_000;
const PRODUCTS: u32 = 1_000;
const ORDERS: u32 = 30_000;
const ITEMS: u32 = 55_000;
const REVIEWS: u32 = 4_000;

/// The tables and how many rows each has.
pub(crate) const TABLES: [(&str, u32); 5] = [
    ("customers", CUSTOMERS),
    ("products", PRODUCTS),
    ("orders", ORDERS),
    ("order_items", ITEMS),
    ("reviews", REVIEWS),
];

const SCHEMA: &str = "
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, city TEXT NOT NULL,
  country TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL NOT NULL, stock INTEGER NOT NULL,
  updated_at TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers, status TEXT NOT NULL,
  note TEXT, placed_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE order_items (order_id INTEGER NOT NULL REFERENCES orders, line INTEGER NOT NULL,
  product_id INTEGER NOT NULL REFERENCES products, quantity INTEGER NOT NULL, unit_price REAL NOT NULL,
  PRIMARY KEY (order_id, line)) WITHOUT ROWID;
CREATE TABLE reviews (id INTEGER PRIMARY KEY, product_id INTEGER NOT NULL REFERENCES products,
  customer_id INTEGER NOT NULL REFERENCES customers, stars INTEGER NOT NULL, text TEXT, created_at TEXT NOT NULL);
CREATE INDEX orders_by_customer ON orders (customer_id);
CREATE VIEW revenue_by_country AS SELECT c.country, count(DISTINCT o.id) AS orders,
  round(sum(i.quantity * i.unit_price), 2) AS revenue
  FROM orders o JOIN customers c ON c.id = o.customer_id JOIN order_items i ON i.order_id = o.id GROUP BY c.country;
";

/// Fills a new database file.
pub(crate) fn create(path: &Path) -> Result<()> {
    let mut database = Connection::open(path).with_context(|| format!("cannot create {}", path.display()))?;
    // The file lives as long as the demo: nothing has to survive a crash.
    database.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")?;
    let rows = database.transaction()?;
    rows.execute_batch(SCHEMA)?;
    let mut random = StdRng::seed_from_u64(2024);
    customers(&rows, &mut random)?;
    let prices = products(&rows, &mut random)?;
    orders(&rows, &mut random)?;
    items(&rows, &mut random, &prices)?;
    reviews(&rows, &mut random)?;
    rows.commit()?;
    database.execute_batch("ANALYZE")?;
    Ok(())
}

fn pick<T: Copy>(random: &mut StdRng, from: &[T], otherwise: T) -> T {
    let at = random.random_range(0..from.len().max(1));
    from.get(at).copied().unwrap_or(otherwise)
}

/// A moment in the last two years before 2026, in UTC.
fn moment(random: &mut StdRng) -> String {
    let (year, month, day) =
        (random.random_range(2024..2026), random.random_range(1..13), random.random_range(1..29));
    let (hour, minute, second) =
        (random.random_range(0..24), random.random_range(0..60), random.random_range(0..60));
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.000Z")
}

fn customers(rows: &Transaction<'_>, random: &mut StdRng) -> Result<()> {
    let mut insert = rows.prepare("INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?)")?;
    for id in 1..=CUSTOMERS {
        let (given, family) = (pick(random, GIVEN_NAMES, "Ada"), pick(random, FAMILY_NAMES, "Lovelace"));
        let (city, country) = pick(random, CITIES, ("London", "GB"));
        let email = format!("{}.{}{id}@example.com", given.to_lowercase(), family.to_lowercase());
        insert.execute(params![id, format!("{given} {family}"), email, city, country, moment(random)])?;
    }
    Ok(())
}

fn products(rows: &Transaction<'_>, random: &mut StdRng) -> Result<Vec<f64>> {
    let mut insert = rows.prepare("INSERT INTO products VALUES (?, ?, ?, ?, ?)")?;
    let mut prices = Vec::new();
    for id in 1..=PRODUCTS {
        let name = format!("{} {} No. {id}", pick(random, MATERIALS, "Oak"), pick(random, THINGS, "chair"));
        let price = f64::from(random.random_range(499..49_999)) / 100.0;
        insert.execute(params![id, name, price, random.random_range(0..500), moment(random)])?;
        prices.push(price);
    }
    Ok(prices)
}

fn orders(rows: &Transaction<'_>, random: &mut StdRng) -> Result<()> {
    let mut insert = rows.prepare("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)")?;
    for id in 1..=ORDERS {
        let note = random.random_ratio(1, 12).then_some("Please ring twice; the bell is \"shy\".");
        let placed = moment(random);
        let customer = random.random_range(1..=CUSTOMERS);
        insert.execute(params![id, customer, pick(random, STATES, "paid"), note, placed, placed])?;
    }
    Ok(())
}

fn items(rows: &Transaction<'_>, random: &mut StdRng, prices: &[f64]) -> Result<()> {
    let mut insert = rows.prepare("INSERT INTO order_items VALUES (?, ?, ?, ?, ?)")?;
    for item in 0..ITEMS {
        // Every order has a line; the others go to the first orders, one more each.
        let (order, line) = (item % ORDERS + 1, item / ORDERS + 1);
        let product = random.random_range(1..=PRODUCTS);
        let price = prices.get(product as usize - 1).copied().unwrap_or_default();
        insert.execute(params![order, line, product, random.random_range(1..6), price])?;
    }
    Ok(())
}

fn reviews(rows: &Transaction<'_>, random: &mut StdRng) -> Result<()> {
    let mut insert = rows.prepare("INSERT INTO reviews VALUES (?, ?, ?, ?, ?, ?)")?;
    for id in 1..=REVIEWS {
        let (product, customer) = (random.random_range(1..=PRODUCTS), random.random_range(1..=CUSTOMERS));
        let text = random.random_ratio(3, 4).then(|| pick(random, OPINIONS, "Good."));
        insert.execute(params![id, product, customer, random.random_range(1..6), text, moment(random)])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shop_has_a_hundred_thousand_rows_in_five_tables_and_is_the_same_every_time() {
        let folder = tempfile::tempdir().unwrap();
        let total = |name: &str| {
            let path = folder.path().join(name);
            create(&path).unwrap();
            let database = Connection::open(path).unwrap();
            let count = |table: &str| -> u32 {
                database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
            };
            let counts = TABLES.map(|(table, rows)| {
                assert_eq!(count(table), rows, "{table}");
                rows
            });
            let revenue: f64 = database
                .query_row("SELECT sum(revenue) FROM revenue_by_country", [], |row| row.get(0))
                .unwrap();
            (counts.iter().sum::<u32>(), revenue)
        };
        let first = total("a.db");
        assert_eq!(first.0, 100_000);
        assert_eq!(first, total("b.db"));
    }
}
