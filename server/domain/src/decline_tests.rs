use super::*;

#[test]
fn r9_r31_r33_texts_say_what_the_guide_says() {
    let region = DeclineReason::WalletRegion.text();
    assert!(region.zh.contains("待认证") && region.zh.contains("开通大陆地区钱包"));
    let rejected = crate::refusal::BindRefusal::IdentityRejected.text();
    assert!(rejected.zh.contains("本人") && rejected.en.contains("in person"));
}

#[test]
fn reasons_are_numbered_in_the_order_of_the_ladder() {
    for (place, &reason) in DeclineReason::ALL.iter().enumerate() {
        assert_eq!(
            reason.number(),
            i32::try_from(place).unwrap() + 1,
            "{reason:?}"
        );
        assert_eq!(DeclineReason::from_number(reason.number()), Some(reason));
        assert_eq!(reason.response_code().len(), 2, "{reason:?}");
        assert!(
            !reason.text().zh.is_empty() && !reason.text().en.is_empty(),
            "{reason:?}"
        );
    }
    assert_eq!(DeclineReason::from_number(0), None);
}
