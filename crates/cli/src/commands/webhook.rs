//! `claviger webhook`: addresses that are told what happens.

use claviger_model::ids::{DeliveryId, WebhookId};
use claviger_model::secret::Plaintext;
use claviger_service::access::WebhookAccess;
use claviger_service::webhooks::{self, CreateInput, EditInput, WebhookInfo};
use claviger_web::api::webhooks::{Delivery, Webhook};
use serde_json::Value;

use crate::exit::{Exit, Failure};
use crate::screen::{Column, Screen, Shown};
use crate::store::{Store, StoreArguments, object, only};

/// How many deliveries are shown at most.
const DELIVERIES_MAX: u32 = 200;
const LIST: [Column; 5] = [
    ("id", "id", Shown::Plain),
    ("url", "url", Shown::Plain),
    ("active", "active", Shown::Plain),
    ("events", "events", Shown::Plain),
    ("failing_since", "failing since", Shown::Time),
];
const WHOLE: [Column; 10] = [
    ("id", "id", Shown::Plain),
    ("url", "url", Shown::Plain),
    ("active", "active", Shown::Plain),
    ("off_reason", "why not", Shown::Plain),
    ("events", "events", Shown::Plain),
    ("failing_since", "failing since", Shown::Time),
    ("old_secret_ends_at", "old secret ends", Shown::Time),
    ("account_id", "account", Shown::Plain),
    ("created_by", "created by", Shown::Plain),
    ("created_at", "created", Shown::Time),
];
const DELIVERIES: [Column; 6] = [
    ("id", "id", Shown::Plain),
    ("type", "event", Shown::Plain),
    ("state", "state", Shown::Plain),
    ("created_at", "happened", Shown::Time),
    ("next_attempt_at", "next try", Shown::Time),
    ("tried", "attempts", Shown::Plain),
];

/// Addresses that are told what happens
#[derive(clap::Args, Debug)]
pub(crate) struct WebhookArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The account's id or exact name; the only one when left out
    #[arg(long, global = true)]
    account: Option<String>,
    /// Those of the instance, which are told of every account's events
    #[arg(long, global = true, conflicts_with = "account")]
    instance: bool,
    #[command(subcommand)]
    command: WebhookCommand,
}

#[derive(clap::Subcommand, Debug)]
enum WebhookCommand {
    /// List webhooks, the oldest first
    List,
    /// Show a webhook
    Show {
        /// Its id or exact URL
        webhook: String,
    },
    /// Make a webhook; its signing secret alone is printed on standard output
    Create {
        /// Where events are sent
        #[arg(long)]
        url: String,
        /// Which events; * for all
        #[arg(long = "event", value_name = "EVENT", required = true)]
        events: Vec<String>,
    },
    /// Change a webhook
    Edit {
        /// Its id or exact URL
        webhook: String,
        /// Where events are sent
        #[arg(long)]
        url: Option<String>,
        /// Which events, instead of those of before; * for all
        #[arg(long = "event", value_name = "EVENT")]
        events: Vec<String>,
        /// Whether it is told: true or false
        #[arg(long, value_name = "BOOL")]
        active: Option<bool>,
    },
    /// Replace the signing secret; the new one alone is printed on standard output
    RotateSecret {
        /// The webhook's id or exact URL
        webhook: String,
    },
    /// Delete a webhook: it is told nothing any more
    Delete {
        /// Its id or exact URL
        webhook: String,
    },
    /// List what was sent to a webhook, the newest first
    Deliveries {
        /// Its id or exact URL
        webhook: String,
    },
    /// Have the server send a message again
    Redeliver {
        /// The webhook's id or exact URL
        webhook: String,
        /// The delivery's id
        delivery: String,
    },
    /// Have the server send a message to try a webhook with
    Test {
        /// Its id or exact URL
        webhook: String,
    },
}

/// Runs the command.
pub(crate) async fn run(arguments: WebhookArguments, screen: Screen) -> Result<Exit, Failure> {
    let WebhookArguments {
        store,
        account,
        instance,
        command,
    } = arguments;
    let act = async |store: &Store| {
        let access = if instance {
            store.caller.instance_webhooks()?
        } else {
            let account_id = store.account(account.as_deref()).await?.id;
            store.caller.webhooks_of(account_id)?
        };
        act(store, &access, command, screen).await?;
        Ok(Exit::Done)
    };
    store.with(act).await
}

async fn act(
    store: &Store,
    access: &WebhookAccess,
    command: WebhookCommand,
    screen: Screen,
) -> Result<(), Failure> {
    let app = &store.app;
    let found = async |text: String| by_text(store, access, &text).await;
    match command {
        WebhookCommand::List => {
            let shapes = webhooks::list(app, access).await?.into_iter();
            let rows: Result<Vec<Value>, Failure> = shapes.map(shown).collect();
            let hint = "no webhook yet; `claviger webhook create` makes one";
            screen.list(&LIST, &rows?, hint)
        }
        WebhookCommand::Show { webhook } => screen.object(&WHOLE, &shown(found(webhook).await?)?),
        WebhookCommand::Create { url, events } => {
            create(store, access, CreateInput { url, events }, screen).await
        }
        WebhookCommand::Edit {
            webhook,
            url,
            events,
            active,
        } => {
            let id = found(webhook).await?.webhook.id;
            let input = EditInput {
                url,
                events: (!events.is_empty()).then_some(events),
                active,
                expected_version: None,
            };
            webhooks::edit(app, access, id, input).await?;
            let info = webhooks::show(app, access, id).await?;
            screen.object(&WHOLE, &shown(info)?)
        }
        WebhookCommand::RotateSecret { webhook } => {
            let id = found(webhook).await?.webhook.id;
            let (_, secret) = webhooks::rotate_secret(app, access, id).await?;
            show_secret(store, access, id, secret.expose(), screen).await?;
            screen.note("For a day the secret before it signs too.");
            Ok(())
        }
        WebhookCommand::Delete { webhook } => {
            let info = found(webhook).await?;
            webhooks::delete(app, access, info.webhook.id).await?;
            screen.done(&format!("deleted {}", info.webhook.id))
        }
        WebhookCommand::Deliveries { webhook } => {
            let id = found(webhook).await?.webhook.id;
            deliveries(store, access, id, screen).await
        }
        WebhookCommand::Redeliver { webhook, delivery } => {
            let id = found(webhook).await?.webhook.id;
            let delivery_id: DeliveryId = delivery.parse().map_err(|_| no_delivery(&delivery))?;
            webhooks::redeliver(app, access, id, delivery_id).await?;
            screen.done(&format!("the server sends {delivery_id} again"))
        }
        WebhookCommand::Test { webhook } => {
            let id = found(webhook).await?.webhook.id;
            let begun = webhooks::test(app, access, id).await?;
            screen.done(&format!("the server sends {}", begun.delivery.id))
        }
    }
}

async fn create(
    store: &Store,
    access: &WebhookAccess,
    input: CreateInput,
    screen: Screen,
) -> Result<(), Failure> {
    let created = webhooks::create(&store.app, access, input, None).await?;
    let id = created.webhook.id;
    let secret = created.secret.as_ref().map(Plaintext::expose);
    show_secret(store, access, id, secret.unwrap_or_default(), screen).await?;
    screen.note(&format!(
        "Made {id} ({}). The secret is not shown again.",
        created.webhook.url
    ));
    Ok(())
}

/// The secret alone, or the webhook with it as JSON.
async fn show_secret(
    store: &Store,
    access: &WebhookAccess,
    id: WebhookId,
    secret: &str,
    screen: Screen,
) -> Result<(), Failure> {
    if !screen.is_json {
        return screen.data(secret);
    }
    let mut shape = shown(webhooks::show(&store.app, access, id).await?)?;
    shape["secret"] = secret.into();
    screen.data(&shape.to_string())
}

async fn deliveries(
    store: &Store,
    access: &WebhookAccess,
    id: WebhookId,
    screen: Screen,
) -> Result<(), Failure> {
    let page = webhooks::deliveries(&store.app, access, id, None, DELIVERIES_MAX).await?;
    let row = |found| {
        let mut shape = object(&Delivery::of(found))?;
        shape["tried"] = shape["attempts"].as_array().map_or(0, Vec::len).into();
        Ok(shape)
    };
    let rows: Result<Vec<Value>, Failure> = page.deliveries.into_iter().map(row).collect();
    screen.list(&DELIVERIES, &rows?, "nothing was sent yet")
}

fn shown(info: WebhookInfo) -> Result<Value, Failure> {
    object(&Webhook::of(info, None))
}

fn no_delivery(text: &str) -> Failure {
    Failure::new(Exit::NotFound, format!("there is no delivery {text}"))
        .hint("`claviger webhook deliveries` lists them")
}

/// The webhook with this id or exact URL.
async fn by_text(
    store: &Store,
    access: &WebhookAccess,
    text: &str,
) -> Result<WebhookInfo, Failure> {
    if let Ok(id) = text.parse() {
        return Ok(webhooks::show(&store.app, access, id).await?);
    }
    let mut found = webhooks::list(&store.app, access).await?;
    found.retain(|info| info.webhook.url == text);
    let ids: Vec<String> = found
        .iter()
        .map(|info| info.webhook.id.to_string())
        .collect();
    only(found, &ids, "webhook", text)
}
