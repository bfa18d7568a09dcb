//! From messages to types that cannot be wrong. Every bad field is found, not only the first.

use tonic::Status;
use waika::v1;
use waika_domain::Malformed;
use waika_domain::event::WalletRegion;
use waika_domain::identifiers::{AccountId, IdempotencyKey};
use waika_domain::version::{Client, Version};

use super::party::{Asker, Party};
use super::{asked, enums, status};
use crate::ledger::{Business, Call, Operation, Rpc};
use crate::page_token;
use crate::vault::Vault;

/// Gathers what is wrong with a message.
#[derive(Debug, Default)]
pub(super) struct Fields {
    violations: Vec<(String, &'static str)>,
}

impl Fields {
    /// Takes a field that parsed, or notes by name why it did not.
    pub(super) fn take<T>(&mut self, name: &str, parsed: Result<T, Malformed>) -> Option<T> {
        parsed
            .map_err(|malformed| self.refuse(name, malformed.expected))
            .ok()
    }

    /// Notes what is wrong with a field.
    pub(super) fn refuse(&mut self, name: &str, expected: &'static str) {
        self.violations.push((name.to_owned(), expected));
    }

    /// Takes a value that must be there.
    pub(super) fn require<T>(
        &mut self,
        name: &str,
        value: Option<T>,
        expected: &'static str,
    ) -> Option<T> {
        if value.is_none() {
            self.refuse(name, expected);
        }
        value
    }

    /// Reads a message in a field; what is wrong in it is noted under its name from outside.
    pub(super) fn within<T>(&mut self, outer: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let noted_before = self.violations.len();
        let value = read(self);
        for (name, _) in self.violations.iter_mut().skip(noted_before) {
            *name = format!("{outer}.{name}");
        }
        value
    }

    /// Notes a field whose text is not of a length.
    pub(super) fn text(&mut self, name: &str, text: &str, most: usize, expected: &'static str) {
        let letters = text.chars().count();
        if !(1..=most).contains(&letters) || text.chars().any(char::is_control) {
            self.refuse(name, expected);
        }
    }

    /// The whole, if every part parsed; else the status that names each bad field.
    pub(super) fn finish<T>(self, whole: Option<T>) -> Result<T, Status> {
        match whole {
            Some(whole) if self.violations.is_empty() => Ok(whole),
            Some(_) | None if self.violations.is_empty() => Err(status::internal(
                "a field was lost while the request was read",
            )),
            Some(_) | None => Err(status::malformed(self.violations)),
        }
    }

    pub(super) fn account(&mut self, text: &str) -> Option<AccountId> {
        self.take("account_id", AccountId::parse(text))
    }

    pub(super) fn key(&mut self, text: &str) -> Option<IdempotencyKey> {
        self.take("idempotency_key", IdempotencyKey::parse(text))
    }

    /// Takes a text that may be empty, which is None. The outer None means malformed.
    #[expect(
        clippy::option_option,
        reason = "absent and malformed are different things"
    )]
    pub(super) fn optional<T>(
        &mut self,
        name: &str,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, Malformed>,
    ) -> Option<Option<T>> {
        if text.is_empty() {
            Some(None)
        } else {
            self.take(name, parse(text)).map(Some)
        }
    }

    /// 1 to the largest page, or 0 for a hundred.
    pub(super) fn page_size(&mut self, size: i32, largest: usize) -> Option<usize> {
        let size = match size {
            0 => Some(100),
            size => usize::try_from(size)
                .ok()
                .filter(|size| (1..=largest).contains(size)),
        };
        let expected = if largest == 100 {
            "must be 1 to 100, or 0 for 100"
        } else {
            "must be 1 to 1000, or 0 for 100"
        };
        self.require("page_size", size, expected)
    }

    pub(super) fn region(&mut self, number: i32) -> Option<WalletRegion> {
        let region = v1::WalletRegion::try_from(number)
            .ok()
            .map(enums::wallet_region);
        self.require(
            "wallet_region",
            region,
            "is not a wallet region that is known",
        )
    }

    /// Absent is fine (D20); present must be whole. The outer None means malformed.
    #[expect(
        clippy::option_option,
        reason = "absent and malformed are different things"
    )]
    pub(super) fn client(&mut self, client: Option<asked::Client<'_>>) -> Option<Option<Client>> {
        let Some(client) = client else {
            return Some(None);
        };
        let channel = v1::ClientChannel::try_from(client.channel)
            .ok()
            .and_then(enums::channel);
        let channel = self.require("client.channel", channel, "must be a channel that is known");
        let version = self.take("client.version", Version::parse(client.version));
        Some(Some(Client {
            channel: channel?,
            version: version?,
        }))
    }
}

/// A call that changes something, and that cannot be malformed.
pub(super) struct Parsed {
    pub(super) account: AccountId,
    pub(super) call: Call,
    pub(super) operation: Operation,
}

impl Parsed {
    /// One that says nothing but its key and its account.
    pub(super) fn of_an_account(
        (key, account): (&str, &str),
        (rpc, operation): (Rpc, Operation),
        party: &Party<'_>,
    ) -> Result<Self, Status> {
        let mut fields = Fields::default();
        let key = fields.key(key);
        let account = fields.account(account);
        let whole = (|| Some((key?, account?)))();
        let (key, account) = fields.finish(whole)?;
        Ok(Self {
            account,
            call: Digests::new(party).call(rpc, key),
            operation,
        })
    }
}

/// A page of an account's history that is asked for.
pub(super) struct HistoryPage {
    pub(super) account: AccountId,
    pub(super) size: usize,
    /// The sequence that it begins with; None for the latest.
    pub(super) begin: Option<u64>,
}

impl HistoryPage {
    pub(super) fn parse(
        account_id: &str,
        (page_size, page_token): (i32, &str),
        vault: &Vault,
    ) -> Result<Self, Status> {
        const LARGEST: usize = 100;
        let mut fields = Fields::default();
        let account = fields.account(account_id);
        let size = fields.page_size(page_size, LARGEST);
        let begin = account.as_ref().and_then(|account| {
            fields.optional("page_token", page_token, |token| {
                page_token::parse(vault, account, token)
            })
        });
        let whole = (|| {
            Some(Self {
                account: account?,
                size: size?,
                begin: begin?,
            })
        })();
        fields.finish(whole)
    }
}

/// A call whose business fields are compared by digest (D18).
pub(super) struct Digests<'a> {
    party: &'a Party<'a>,
    fields: Vec<(&'static str, u64)>,
}

impl<'a> Digests<'a> {
    pub(super) fn new(party: &'a Party<'a>) -> Self {
        Self {
            party,
            fields: Vec::new(),
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.fields
            .push((name, self.party.vault.field(name, value.as_ref())));
        self
    }

    pub(super) fn with_number(self, name: &'static str, value: i32) -> Self {
        self.with(name, value.to_le_bytes())
    }

    pub(super) fn call(self, rpc: Rpc, key: IdempotencyKey) -> Call {
        let Asker {
            caller,
            deadline,
            stopwatch,
        } = &self.party.asker;
        Call {
            deadline: *deadline,
            stopwatch: stopwatch.clone(),
            ..Call::new(rpc, caller.clone(), key, Business::Fields(self.fields))
        }
    }
}
