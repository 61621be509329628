//! `claviger member`: who belongs to an account.

use claviger_service::access::TeamAccess;
use claviger_service::members::{self, Added, NamedMember, NewMember};
use claviger_web::api::members::Member;
use serde_json::{Value, json};

use crate::exit::{Exit, Failure};
use crate::screen::{self, Column, Screen, Shown};
use crate::secret_input;
use crate::store::{Store, StoreArguments, object, only};

const COLUMNS: [Column; 5] = [
    ("user_id", "user", Shown::Plain),
    ("email", "email", Shown::Plain),
    ("role_name", "role", Shown::Plain),
    ("status", "status", Shown::Plain),
    ("created_at", "since", Shown::Time),
];
const PAGE: u32 = 200;

/// The people of an account
#[derive(clap::Args, Debug)]
pub(crate) struct MemberArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The account's id or exact name; the only one when left out
    #[arg(long, global = true)]
    account: Option<String>,
    #[command(subcommand)]
    command: MemberCommand,
}

#[derive(clap::Subcommand, Debug)]
enum MemberCommand {
    /// List members
    List,
    /// Add a member with a password, or invite one without
    Add {
        /// The address
        email: String,
        /// The role, by id or name
        #[arg(long)]
        role: String,
        /// Read a password from standard input; only for an address that is new
        #[arg(long)]
        password_stdin: bool,
    },
    /// Give a member another role
    Role {
        /// The member's e-mail address or user id
        member: String,
        /// The role, by id or name
        role: String,
    },
    /// Take a member out of the account
    Remove {
        /// The member's e-mail address or user id
        member: String,
    },
}

/// Runs the command.
pub(crate) async fn run(arguments: MemberArguments, screen: Screen) -> Result<Exit, Failure> {
    let MemberArguments {
        store,
        account,
        command,
    } = arguments;
    store
        .with(async |store| act(store, account.as_deref(), command, screen).await)
        .await
}

async fn act(
    store: &Store,
    account: Option<&str>,
    command: MemberCommand,
    screen: Screen,
) -> Result<Exit, Failure> {
    let access = store.caller.team_of(store.account(account).await?.id)?;
    let member = match command {
        MemberCommand::List => {
            let found = all(store, &access).await?;
            let rows: Result<Vec<Value>, Failure> = found
                .into_iter()
                .map(|member| object(&Member::from(member)))
                .collect();
            screen.list(&COLUMNS, &rows?, "no member yet")?;
            return Ok(Exit::Done);
        }
        MemberCommand::Add {
            email,
            role,
            password_stdin,
        } => {
            let password = password_stdin
                .then(|| secret_input::read(screen, "password"))
                .transpose()?;
            let new = NewMember {
                email,
                role,
                password,
            };
            match add(store, &access, new).await? {
                Added::Member(member) => member,
                Added::Invited(invited) => {
                    return shown_invitation(invited, screen);
                }
            }
        }
        MemberCommand::Role { member, role } => {
            let id = find(store, &access, &member).await?.user_id;
            members::edit(&store.app, &access, id, role, None).await?
        }
        MemberCommand::Remove { member } => {
            let found = find(store, &access, &member).await?;
            members::remove(&store.app, &access, found.user_id).await?;
            screen.note("removed; the sessions in the account have ended");
            found
        }
    };
    screen.object(&COLUMNS, &object(&Member::from(member))?)?;
    Ok(Exit::Done)
}

async fn add(store: &Store, access: &TeamAccess, new: NewMember) -> Result<Added, Failure> {
    let operator = store.caller.operator()?;
    Ok(members::add(&store.app, access, Some(&operator), new, None).await?)
}

/// The invitation's token alone on standard output: it is shown now and never again.
fn shown_invitation(
    invited: claviger_service::invitations::Invited,
    screen: Screen,
) -> Result<Exit, Failure> {
    let invitation = invited.invitation;
    // A token was made just now: nothing is replayed here.
    let token = invited
        .token
        .as_ref()
        .map(claviger_model::secret::Plaintext::expose);
    if screen.is_json {
        let shape = json!({
            "id": invitation.id,
            "email": invitation.email,
            "role": invitation.role.to_string(),
            "role_name": invitation.role_name,
            "created_at": invitation.created_at,
            "expires_at": invitation.expires_at,
            "account_id": invitation.account_id,
            "token": token,
        });
        screen.data(&shape.to_string())?;
    } else {
        screen.data(token.unwrap_or_default())?;
        screen.note(&format!(
            "This invites {} until {}. Send the token to them; it is not shown again.",
            invitation.email,
            screen::time(invitation.expires_at)
        ));
    }
    Ok(Exit::Done)
}

async fn all(store: &Store, access: &TeamAccess) -> Result<Vec<NamedMember>, Failure> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = members::list(&store.app, access, after, PAGE).await?;
        found.extend(page.members);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(found),
        }
    }
}

/// The member with this user id or address.
async fn find(store: &Store, access: &TeamAccess, text: &str) -> Result<NamedMember, Failure> {
    if let Ok(id) = text.parse() {
        return Ok(members::show(&store.app, access, id).await?);
    }
    let email = text.trim().to_lowercase();
    let mut found = all(store, access).await?;
    found.retain(|member| member.email == email);
    only(found, &[], "member", text)
}
