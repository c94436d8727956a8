//! Uploads of zip archives.

use super::{FEW, id, kite_of, until, upload};
use crate::support::{REGISTRY, Service, zip};

#[tokio::test(flavor = "multi_thread")]
async fn a_zip_archive_is_ingested_like_the_files_in_it() {
    let service = Service::with(&[FEW]).await;
    let client = &service.client;
    let indices = "exch,symbol,token\nNSE,NIFTY 50,26000\n";
    let securities = "Exch,Exchange Segment,Group Name,Symbol,Token,Instrument Type,Instrument Name,Formatted Ins Name,\
        Trading Symbol,Lot Size,Tick Size\nNSE,nse_cm,EQ,TCS,11536,,TATA CONSULTANCY,TCS-EQ,TCS-EQ,1,0.1\n";
    let archive = zip(&[("__MACOSX/._NSE.csv", "x"), ("NSE.csv", securities), ("INDICES.csv", indices)]);

    let completed = until(client, &id(&upload(client, "aliceblue", "", archive).await), "completed").await;

    assert_eq!(completed["new_instruments"], 2);
    let token = client.get(&format!("{REGISTRY}/brokers/aliceblue/tokens/NSE:TCS")).await.json();
    assert_eq!(token["token_mapping"]["broker_token"], "NSE|11536");

    let kite = zip(&[("kite.csv", &kite_of(3))]);
    let completed = until(client, &id(&upload(client, "kite", "", kite).await), "completed").await;
    assert_eq!(completed["new_instruments"], 3);
}
