//! What doctor says of a module that puts its configuration into everything it says.

use component_tests::guest;
use connector_model::config::Origin;

use super::{all_have, line_of};

const PASSWORD: &str = "correct-horse-battery";

#[tokio::test]
async fn a_module_that_tells_its_password_is_shown_without_it() {
    let module = guest("hostile").await.unwrap();
    for (mode, lines) in [
        ("open-fails", ["✗ shop  auth", "forged line", "***"]),
        ("ping-tells", ["! shop  query", "mode", "***"]),
    ] {
        let settings = [("mode", mode.to_owned()), ("password", PASSWORD.to_owned())];
        let text = line_of(&module, &settings, Origin::Local).await;
        all_have(std::slice::from_ref(&text), &lines);
        assert!(!text.contains("horse"), "{text}");
    }
}
