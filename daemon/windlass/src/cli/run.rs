//! `windlass run`: the daemon.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use windlass_cluster::resources::{
    FilesStoreSpec, KubernetesStoreSpec, ReferenceSpec, RepositorySpec, SecretStoreSpec, Span,
};
use windlass_source::Auth;

use super::{ClusterArgs, Failed, local};
use crate::controller::{Controller, Handle, Key, Message, Parts, Settings};
use crate::http::{Deliveries, Faces, router};
use crate::metrics::Metrics;

/// How long `/readyz` fails before the listener closes, so that load balancers notice.
const DRAIN: Duration = Duration::from_millis(500);

/// Arguments of `windlass run`.
///
/// Without `--repository` the daemon follows the `Repository` objects of the cluster; with it, it
/// writes one such object itself and follows that one too.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// A repository to follow: https, ssh or a path.
    #[arg(long, value_name = "URL")]
    repository: Option<String>,
    /// Its name in the cluster.
    #[arg(long, value_name = "NAME", default_value = "main")]
    name: String,
    /// The namespace of its Repository and Environment objects; created when missing.
    #[arg(long, value_name = "NAME", default_value = "windlass-system")]
    namespace: String,
    /// The branch to follow; default: the repository's HEAD.
    #[arg(long, conflicts_with_all = ["tag", "semver", "commit"])]
    branch: Option<String>,
    /// The tag to follow.
    #[arg(long, conflicts_with_all = ["semver", "commit"])]
    tag: Option<String>,
    /// A range of versions; the highest tag in it is followed, such as `>=1.2, <2`.
    #[arg(long, value_name = "RANGE", conflicts_with = "commit")]
    semver: Option<String>,
    /// A commit to stay at.
    #[arg(long, value_name = "SHA")]
    commit: Option<String>,
    /// How often the repository is asked for something new.
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = Span::from_str)]
    interval: Span,
    /// The user name for https.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// A file with the token or password for https.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// A file with the private key for ssh.
    #[arg(long, value_name = "FILE", requires = "known_hosts_file")]
    ssh_key_file: Option<PathBuf>,
    /// A file with the server's host keys, as ssh-keyscan prints them.
    #[arg(long, value_name = "FILE")]
    known_hosts_file: Option<PathBuf>,
    /// A file with the certificate authority of the https server.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// A secret store: NAME=kubernetes, NAME=kubernetes:NAMESPACE or NAME=files:FOLDER; repeatable.
    #[arg(long = "secret-store", value_name = "STORE", value_parser = secret_store)]
    secret_stores: Vec<SecretStoreSpec>,
    /// A file with the secret that signs webhooks sent to /webhook/PROVIDER.
    #[arg(long, value_name = "FILE")]
    webhook_secret_file: Option<PathBuf>,
    /// Where the HTTP server listens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Writes the address that the HTTP server got to this file, for port 0.
    #[arg(long, value_name = "FILE")]
    address_file: Option<PathBuf>,
    /// Where mirrors, compiled plugins and memos are kept.
    #[arg(long, value_name = "FOLDER", env = "WINDLASS_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
    /// Environments with `target.directory` write below this folder; without it they are refused.
    #[arg(long, value_name = "FOLDER")]
    target_root: Option<PathBuf>,
    /// How logs are written, on standard error.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// What is logged, as a tracing filter.
    #[arg(
        long,
        value_name = "FILTER",
        env = "WINDLASS_LOG",
        default_value = "info,kube=off,kube_client=off"
    )]
    log: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

fn secret_store(text: &str) -> Result<SecretStoreSpec, String> {
    let wrong = || {
        format!("`{text}`: write NAME=kubernetes, NAME=kubernetes:NAMESPACE or NAME=files:FOLDER")
    };
    let (name, kind) = text.split_once('=').ok_or_else(wrong)?;
    let mut store = SecretStoreSpec {
        name: name.to_owned(),
        ..SecretStoreSpec::default()
    };
    match kind.split_once(':') {
        None if kind == "kubernetes" => store.kubernetes = Some(KubernetesStoreSpec::default()),
        Some(("kubernetes", namespace)) => {
            store.kubernetes = Some(KubernetesStoreSpec {
                namespace: Some(namespace.to_owned()),
            });
        }
        Some(("files", path)) => {
            store.files = Some(FilesStoreSpec {
                path: path.to_owned(),
            })
        }
        _ => return Err(wrong()),
    }
    Ok(store)
}

/// Runs until SIGTERM or SIGINT; then `/readyz` fails, requests under way end, and the exit code
/// is 0.
pub(crate) async fn run(args: RunArgs) -> Result<ExitCode, Failed> {
    start_logging(&args)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;

    let listener = TcpListener::bind(args.listen)
        .await
        .map_err(|error| Failed::new("WL0004", format!("--listen {}: {error}", args.listen)))?;
    let address = listener
        .local_addr()
        .map_err(|error| Failed::new("WL0004", error.to_string()))?;
    let webhook_secret = match &args.webhook_secret_file {
        Some(file) => Some(Arc::<[u8]>::from(secret_file(file)?.into_bytes())),
        None => None,
    };
    let cache_dir = local::cache_dir(args.cache_dir.as_deref());
    let renderer = local::shared_renderer(&cache_dir)?;
    let metrics = Metrics::new();
    let (handle, receiver) = Handle::new();
    let faces = Faces {
        controller: handle.clone(),
        metrics: metrics.clone(),
        webhook_secret,
        deliveries: Arc::new(Deliveries::default()),
    };
    let (close, closed) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(async move {
        let until = async move {
            // Either somebody says «close» or the sender is gone; both mean the end.
            let _said = closed.await;
        };
        axum::serve(listener, router(faces))
            .with_graceful_shutdown(until)
            .await
    });
    if let Some(file) = &args.address_file {
        std::fs::write(file, address.to_string()).map_err(|error| {
            Failed::new(
                "WL0004",
                format!("--address-file {}: {error}", file.display()),
            )
        })?;
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), %address, "windlass starts");

    let cluster = args.cluster.connect().await?;
    cluster.install().await?;
    let key = Key::new(&args.namespace, &args.name);
    let mut credentials = BTreeMap::new();
    if let Some(url) = &args.repository {
        if let Some(auth) = auth(&args)? {
            credentials.insert(key.clone(), auth);
        }
        cluster.ensure_namespace(&args.namespace).await?;
        let spec = repository_spec(&args, url);
        cluster
            .write_repository(&args.namespace, &args.name, &spec)
            .await?;
    }
    let settings = Settings {
        cache_dir,
        target_root: args.target_root.clone(),
        render_threads: std::thread::available_parallelism().map_or(2, usize::from),
        credentials,
    };
    let parts = Parts {
        cluster: cluster.clone(),
        renderer,
        metrics,
        settings,
    };
    let controller = Controller::new(parts, handle.clone(), receiver);
    let _watching = controller.watch_objects();
    let controller = tokio::spawn(controller.run());

    let abort = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        ended = &mut { controller } => Some(ended),
    };
    if let Some(ended) = abort {
        let why = ended
            .err()
            .map_or_else(|| "it ended".to_owned(), |error| error.to_string());
        return Err(Failed::new(
            "WL0005",
            format!("the controller loop is gone: {why}"),
        ));
    }
    Ok(stop(handle, close, server).await)
}

async fn stop(
    handle: Handle,
    close: tokio::sync::oneshot::Sender<()>,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
) -> ExitCode {
    tracing::info!("stopping: not ready any more, requests under way may end");
    handle.set_stopping();
    tokio::time::sleep(DRAIN).await;
    handle.send(Message::Stop);
    handle.stopped().await;
    let _nobody_listens = close.send(());
    // A client that keeps its connection open does not hold the process.
    if tokio::time::timeout(Duration::from_secs(2), server)
        .await
        .is_err()
    {
        tracing::warn!("a connection was still open");
    }
    tracing::info!("stopped");
    ExitCode::SUCCESS
}

fn no_signals(error: std::io::Error) -> Failed {
    Failed::new("WL0001", format!("signals cannot be received: {error}"))
}

fn start_logging(args: &RunArgs) -> Result<(), Failed> {
    let filter = tracing_subscriber::EnvFilter::try_new(&args.log)
        .map_err(|error| Failed::new("WL0006", format!("--log {}: {error}", args.log)))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // It would print them on standard error, which is what cannot be written, and panic.
        .log_internal_errors(false);
    match args.log_format {
        LogFormat::Text => builder.with_target(false).with_ansi(false).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Ok(())
}

fn repository_spec(args: &RunArgs, url: &str) -> RepositorySpec {
    let named = args.branch.is_some()
        || args.tag.is_some()
        || args.semver.is_some()
        || args.commit.is_some();
    RepositorySpec {
        url: url.to_owned(),
        reference: named.then(|| ReferenceSpec {
            branch: args.branch.clone(),
            tag: args.tag.clone(),
            semver: args.semver.clone(),
            commit: args.commit.clone(),
        }),
        interval: Some(args.interval),
        secret_stores: args.secret_stores.clone(),
        ..RepositorySpec::default()
    }
}

fn auth(args: &RunArgs) -> Result<Option<Auth>, Failed> {
    let file = |path: &Option<PathBuf>| path.as_deref().map(secret_file).transpose();
    let auth = Auth {
        username: args.username.clone(),
        password: file(&args.token_file)?,
        ssh_private_key: args.ssh_key_file.as_deref().map(text_file).transpose()?,
        ssh_passphrase: None,
        known_hosts: args
            .known_hosts_file
            .as_deref()
            .map(text_file)
            .transpose()?,
        ca_pem: args.ca_file.as_deref().map(text_file).transpose()?,
    };
    let given = [
        &args.token_file,
        &args.ssh_key_file,
        &args.known_hosts_file,
        &args.ca_file,
    ];
    let any = args.username.is_some() || given.iter().any(|file| file.is_some());
    Ok(any.then_some(auth))
}

fn text_file(path: &std::path::Path) -> Result<String, Failed> {
    std::fs::read_to_string(path)
        .map_err(|error| Failed::new("WL0003", format!("{}: {error}", path.display())))
}

/// A file that holds one secret; the line break that an editor adds is not part of it.
fn secret_file(path: &std::path::Path) -> Result<String, Failed> {
    let text = text_file(path)?;
    let secret = text.trim_end_matches(['\n', '\r']).to_owned();
    if secret.is_empty() {
        return Err(Failed::new(
            "WL0003",
            format!("{} is empty", path.display()),
        ));
    }
    Ok(secret)
}
