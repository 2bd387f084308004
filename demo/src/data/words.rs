//! What the shop's rows are made of.

pub(super) const GIVEN_NAMES: &[&str] = &[
    "Ada", "Amir", "Anna", "Bruno", "Chloé", "Daniel", "Elif", "Emeka", "Fatima", "Grace", "Hana", "Igor",
    "Ingrid", "Jonas", "Kofi", "Lena", "Luca", "Mariana", "Mei", "Noah", "Olga", "Priya", "Rafael", "Sofía",
    "Tariq", "Uma", "Viktor", "Wanjiru", "Yuki", "Zofia",
];

pub(super) const FAMILY_NAMES: &[&str] = &[
    "Adeyemi",
    "Andersson",
    "Bauer",
    "Brown",
    "Costa",
    "Dubois",
    "Eriksen",
    "Fischer",
    "García",
    "Haddad",
    "Ivanova",
    "Jansen",
    "Kaya",
    "Kowalski",
    "Lovelace",
    "Moreau",
    "Nakamura",
    "Novak",
    "Okafor",
    "Patel",
    "Quispe",
    "Rossi",
    "Santos",
    "Schmidt",
    "Singh",
    "Smith",
    "Tanaka",
    "Virtanen",
    "Weber",
    "Zhang",
];

pub(super) const CITIES: &[(&str, &str)] = &[
    ("Amsterdam", "NL"),
    ("Berlin", "DE"),
    ("Bordeaux", "FR"),
    ("Bologna", "IT"),
    ("Cracow", "PL"),
    ("Gdańsk", "PL"),
    ("Glasgow", "GB"),
    ("Göteborg", "SE"),
    ("Hamburg", "DE"),
    ("Helsinki", "FI"),
    ("Köln", "DE"),
    ("Lisbon", "PT"),
    ("London", "GB"),
    ("Lyon", "FR"),
    ("Madrid", "ES"),
    ("Málaga", "ES"),
    ("Oslo", "NO"),
    ("Porto", "PT"),
    ("Rotterdam", "NL"),
    ("Turin", "IT"),
];

pub(super) const MATERIALS: &[&str] =
    &["Ash", "Beech", "Brass", "Cork", "Felt", "Glass", "Linen", "Oak", "Slate", "Steel", "Walnut", "Wool"];

pub(super) const THINGS: &[&str] = &[
    "bench",
    "blanket",
    "bookend",
    "bowl",
    "chair",
    "clock",
    "coat rack",
    "lamp",
    "mirror",
    "shelf",
    "stool",
    "table",
    "tray",
    "vase",
];

pub(super) const STATES: &[&str] =
    &["placed", "paid", "packed", "shipped", "delivered", "delivered", "returned"];

pub(super) const OPINIONS: &[&str] = &[
    "Exactly what I hoped for.",
    "Smaller than it looks, but well made.",
    "Arrived with a scratch; the replacement came in two days.",
    "My cat has claimed it.",
    "Third one I buy. That says it all.",
    "The colour is not the one in the picture.",
    "Heavy, solid, beautiful.",
    "Does what it should.",
];
