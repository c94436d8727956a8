use super::*;

#[test]
fn a_certificate_that_cannot_be_used_is_ignored() {
    let roots = Roots::of([CertificateDer::from(vec![0x30, 0x00])].into_iter());

    assert_eq!(roots.pem, "");
    assert!(roots.store.is_empty());
}
