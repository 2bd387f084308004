//! The double of SQL Server, driven by the library that the driver stands on.

mod sqlserver {
    mod attention;
    mod connecting;
    mod results;
    mod statements;
    mod types;

    use test_servers::SqlServer;
    use tiberius::{AuthMethod, Client, Config, EncryptionLevel, Row};
    use tokio::net::TcpStream;
    use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

    /// The password of the tests' user, as written in the crate's documentation.
    pub(crate) const PASSWORD: &str = test_servers::APP_PASSWORD;
    pub(crate) type Connection = Client<Compat<TcpStream>>;

    pub(crate) fn config(server: &SqlServer) -> Config {
        let mut config = Config::new();
        config.host("localhost");
        config.port(server.port());
        config.database("app");
        config.application_name("a test");
        config.authentication(AuthMethod::sql_server(test_servers::APP_USER, PASSWORD));
        config.encryption(EncryptionLevel::NotSupported);
        config.trust_cert_ca_bundle(server.certificates().authority().as_bytes());
        config
    }

    pub(crate) async fn connect(config: Config) -> tiberius::Result<Connection> {
        let tcp = TcpStream::connect(config.get_addr().replace("localhost", "127.0.0.1")).await.unwrap();
        Client::connect(config, tcp.compat_write()).await
    }

    pub(crate) async fn started() -> SqlServer {
        SqlServer::start(test_servers::SqlServerOptions::default()).await.unwrap()
    }

    pub(crate) async fn query(client: &mut Connection, sql: &str) -> tiberius::Result<Vec<Row>> {
        client.simple_query(sql).await?.into_first_result().await
    }

    /// The number of the server's error.
    pub(crate) fn number<T>(result: tiberius::Result<T>) -> Option<u32> {
        match result {
            Err(tiberius::error::Error::Server(error)) => Some(error.code()),
            _ => None,
        }
    }
}
