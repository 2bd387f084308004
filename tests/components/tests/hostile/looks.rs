//! What of the runner's machine shows in a guest: nothing.

use crate::asked::reported;
use crate::beside::Beside;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_are_no_files_no_variables_no_arguments_and_no_input() {
    let beside = Beside::begin().await;
    for target in ["files", "environment"] {
        let (word, what) = reported(beside.session().await.as_mut(), target).await;
        assert_eq!(word, "nothing", "{target}: {what}");
    }
    beside.end().await;
}
