//! temp
use crate::stage::stage;
use std::time::Instant;
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn bench() {
    let stage = stage().await;
    for _ in 0..200 { stage.tenant.status().await.unwrap().unwrap(); }
    let mut v = Vec::new();
    for _ in 0..3000 { let t = Instant::now(); stage.tenant.status().await.unwrap().unwrap(); v.push(t.elapsed().as_nanos()); }
    v.sort();
    println!("status median {} ns p90 {}", v[1500], v[2700]);
    let mut v = Vec::new();
    for _ in 0..2000 { let t = Instant::now(); stage.get("/").await; v.push(t.elapsed().as_nanos()); stage.clock.advance(std::time::Duration::from_secs(2)); }
    v.sort();
    println!("http median {} ns p90 {}", v[1000], v[1800]);
}
