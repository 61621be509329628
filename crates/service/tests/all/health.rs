use claviger_service::accounts::{self, AccountEdit};
use claviger_service::health::look;
use claviger_service::testing::for_each_app;

#[tokio::test]
async fn health_tells_of_this_node_its_databases_and_the_accounts() {
    for_each_app(async |test| {
        let access = test.operator.operator().unwrap();
        let status = Some("suspended".to_owned());
        let suspend = AccountEdit { name: None, status };
        let edited = accounts::edit(&test.app, &access, test.account.id, &suspend, None).await;
        edited.unwrap();
        let health = look(&test.app, &access).await.unwrap();
        assert_eq!((health.accounts, health.accounts_suspended), (1, 1));
        assert!(health.staleness_millis.unwrap() < health.lease_millis);
        assert_eq!(health.applied_epoch, health.epoch);
        assert!(health.epoch > 0 && health.decisions_dropped == 0);
        let [node] = &*health.nodes else {
            panic!("{:?}", health.nodes);
        };
        assert_eq!((node.name.as_str(), node.is_this), ("local", true));
        assert_eq!((node.applied_epoch, node.behind), (health.epoch, 0));
        assert!(
            health
                .databases
                .iter()
                .all(|database| database.schema.is_some())
        );
    })
    .await;
}

#[tokio::test]
async fn without_the_main_database_there_is_no_health() {
    for_each_app(async |test| {
        let access = test.operator.operator().unwrap();
        test.app.cut_databases().await;
        assert!(look(&test.app, &access).await.is_err());
    })
    .await;
}
