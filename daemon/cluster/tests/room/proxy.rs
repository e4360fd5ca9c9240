//! A wire to the API server that can be cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use windlass_cluster::{Client, Config};
use windlass_test_support::ControlPlane;

pub(super) struct Proxy {
    port: u16,
    whole: Arc<AtomicBool>,
    cut: Arc<Notify>,
}

impl Proxy {
    pub(super) async fn start(url: &str) -> Proxy {
        let upstream = url
            .trim_start_matches("https://")
            .trim_end_matches('/')
            .to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let proxy = Proxy {
            port,
            whole: Arc::new(AtomicBool::new(true)),
            cut: Arc::default(),
        };
        let (whole, cut) = (Arc::clone(&proxy.whole), Arc::clone(&proxy.cut));
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                if !whole.load(Ordering::Relaxed) {
                    continue;
                }
                let (upstream, cut) = (upstream.clone(), Arc::clone(&cut));
                tokio::spawn(async move {
                    let cut = cut.notified();
                    let copy = async {
                        if let Ok(mut far) = TcpStream::connect(&upstream).await {
                            drop(tokio::io::copy_bidirectional(&mut near, &mut far).await);
                        }
                    };
                    tokio::select! {
                        () = cut => {}
                        () = copy => {}
                    }
                });
            }
        });
        proxy
    }

    /// A client of the administrator over this wire.
    pub(super) async fn client(&self, plane: &ControlPlane) -> Client {
        let kubeconfig = kube::config::Kubeconfig::read_from(plane.kubeconfig()).unwrap();
        let options = kube::config::KubeConfigOptions::default();
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .unwrap();
        config.cluster_url = format!("https://127.0.0.1:{}", self.port).parse().unwrap();
        Client::try_from(config).unwrap()
    }

    pub(super) fn cut(&self) {
        self.whole.store(false, Ordering::Relaxed);
        self.cut.notify_waiters();
    }

    pub(super) fn mend(&self) {
        self.whole.store(true, Ordering::Relaxed);
    }
}
