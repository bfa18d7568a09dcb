//! Mistakes that somebody could make in the commit pipeline, as replacements in its sources.

/// One mistake.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mistake {
    /// Its name, as of a module.
    pub(crate) name: &'static str,
    /// What is wrong then, as a sentence.
    pub(crate) told: &'static str,
    /// The file that it is made in, without `.rs`.
    pub(crate) module: &'static str,
    /// Lines, without the blanks before them, that stand there once, and what stands there instead.
    pub(crate) edits: &'static [(Lines, Lines)],
}

type Lines = &'static [&'static str];

/// All of them, by the file that they are made in.
pub(crate) const MISTAKES: &[Mistake] = &[
    Mistake {
        name: "told_before_the_commit",
        told: "A batch is published before it is written.",
        module: "committer",
        edits: &[(
            &["match self.journal.commit(batch) {"],
            &[
                "let last = self.journal.durable() + u64::from(batch.count());",
                "self.shared.waiters.publish(last);",
                "match self.journal.commit(batch) {",
            ],
        )],
    },
    Mistake {
        name: "told_although_it_failed",
        told: "What a failed commit held is published.",
        module: "committer",
        edits: &[(
            &["Err(error) => {", "self.halt(&error);", "return None;", "}"],
            &[
                "Err(error) => {",
                "let last = self.journal.durable() + u64::from(batch.count());",
                "self.shared.waiters.publish(last);",
                "self.halt(&error);",
                "return None;",
                "}",
            ],
        )],
    },
    Mistake {
        name: "goes_on_after_a_failure",
        told: "Of a failed commit nothing is told, unless it was the first.",
        module: "committer",
        edits: &[(
            &["Err(error) => {", "self.halt(&error);", "return None;", "}"],
            &[
                "Err(error) if self.journal.durable() == 0 => {",
                "self.halt(&error);",
                "return None;",
                "}",
                "Err(_) => {}",
            ],
        )],
    },
    Mistake {
        name: "ends_without_a_word",
        told: "A committer that was closed leaves its waiters alone.",
        module: "committer",
        edits: &[(
            &["self.shared.end(&Halted::new(\"the queue was closed\"));"],
            &["let _: &Shared = &self.shared;"],
        )],
    },
    Mistake {
        name: "idle_set_after_the_check",
        told: "The committer lets go of the lock between its look and its word that it sleeps.",
        module: "pending",
        edits: &[(
            &["state.idle = true;"],
            &[
                "crate::sync::MutexGuard::bump(state);",
                "state.idle = true;",
            ],
        )],
    },
    Mistake {
        name: "end_without_a_wake",
        told: "Closing does not wake the committer.",
        module: "pending",
        edits: &[(
            &[
                ".get_or_insert_with(|| Halted::new(\"the queue was closed\"));",
                "self.work.notify_one();",
            ],
            &[".get_or_insert_with(|| Halted::new(\"the queue was closed\"));"],
        )],
    },
    Mistake {
        name: "close_drops_what_is_open",
        told: "The committer looks for the end before it looks for entries.",
        module: "pending",
        edits: &[(
            &["if let Some(full) = state.full.pop_front() {"],
            &[
                "if state.ended.is_some() {",
                "return false;",
                "}",
                "if let Some(full) = state.full.pop_front() {",
            ],
        )],
    },
    Mistake {
        name: "appends_after_the_end",
        told: "After an error appends are still accepted.",
        module: "pending",
        edits: &[(
            &["state.ended.get_or_insert_with(|| cause.clone());"],
            &["let _: &Halted = cause;"],
        )],
    },
    Mistake {
        name: "newest_batch_first",
        told: "Of the full batches the newest is taken first.",
        module: "pending",
        edits: &[(&["state.full.pop_front()"], &["state.full.pop_back()"])],
    },
    Mistake {
        name: "open_before_full",
        told: "The open batch is taken before those that are full.",
        module: "pending",
        edits: &[(
            &[
                "if let Some(full) = state.full.pop_front() {",
                "*batch = full;",
                "} else {",
                "mem::swap(&mut state.open, batch);",
                "}",
            ],
            &[
                "mem::swap(&mut state.open, batch);",
                "if batch.count() == 0 && let Some(full) = state.full.pop_front() {",
                "*batch = full;",
                "}",
            ],
        )],
    },
    Mistake {
        name: "sequence_before_the_entry",
        told: "A sequence is given out before its entry has its place.",
        module: "pending",
        edits: &[
            (&["state.appended += 1;\n"], &[""]),
            (
                &["let state = &mut *self.state.lock();"],
                &[
                    "let mut state = self.state.lock();",
                    "state.appended += 1;",
                    "let given = state.appended;",
                    "drop(state);",
                    "let state = &mut *self.state.lock();",
                ],
            ),
            (&["Ok(state.appended)"], &["Ok(given)"]),
        ],
    },
    Mistake {
        name: "length_prefix_not_counted",
        told: "The bound is compared without the length that stands before the entry.",
        module: "pending",
        edits: &[(
            &["state.open.record_bytes_with(entry.len())"],
            &["state.open.record_bytes() + entry.len()"],
        )],
    },
    Mistake {
        name: "published_after_the_look",
        told: "Cores are looked at before the sequence is published.",
        module: "waiters",
        edits: &[
            (
                &["self.durable.store(sequence, Ordering::Release);\n"],
                &[""],
            ),
            (
                &[
                    "if first.is_some_and(|first| first <= sequence) {",
                    "core.work.notify_one();",
                    "}",
                    "}",
                ],
                &[
                    "if first.is_some_and(|first| first <= sequence) {",
                    "core.work.notify_one();",
                    "}",
                    "}",
                    "self.durable.store(sequence, Ordering::Release);",
                ],
            ),
        ],
    },
    Mistake {
        name: "not_looked_again_under_the_lock",
        told: "A wait registers by what it saw before it had the lock.",
        module: "waiters",
        edits: &[(
            &[
                "let mut waiting = core.waiting.lock();",
                "if let Some(outcome) = waiters.outcome(sequence) {",
                "return Poll::Ready(outcome);",
                "}",
            ],
            &["let mut waiting = core.waiting.lock();"],
        )],
    },
    Mistake {
        name: "end_looked_at_last",
        told: "Between a wait's looks at the durable sequence and at the end a batch may become durable.",
        module: "waiters",
        edits: &[(
            &[
                "let ended = self.ended.get();",
                "if self.durable() >= sequence {",
                "return Some(Ok(()));",
                "}",
            ],
            &[
                "if self.durable() >= sequence {",
                "return Some(Ok(()));",
                "}",
                "let ended = self.ended.get();",
            ],
        )],
    },
    Mistake {
        name: "last_of_a_batch_not_woken",
        told: "A core is woken only for what is below the published sequence.",
        module: "waiters",
        edits: &[(&["first <= sequence)"], &["first < sequence)"])],
    },
    Mistake {
        name: "one_ticket_for_all",
        told: "Of two that wait for the same sequence one is forgotten.",
        module: "waiters",
        edits: &[(&["waiting.tickets += 1;\n"], &[""])],
    },
    Mistake {
        name: "dropped_waits_stay",
        told: "A dropped wait leaves its waker behind.",
        module: "waiters",
        edits: &[(
            &["core.waiting.lock().wakers.remove(&(self.sequence, ticket));"],
            &["let _: (u64, &Core) = (ticket, core);"],
        )],
    },
    Mistake {
        name: "woken_before_the_end_is_set",
        told: "Cores are woken for the end before it can be seen.",
        module: "waiters",
        edits: &[(
            &[
                "if self.ended.set(cause.clone()).is_ok() {",
                "for core in &self.cores {",
                "core.work.notify_one();",
                "}",
                "}",
            ],
            &[
                "for core in &self.cores {",
                "core.work.notify_one();",
                "}",
                "let _: Result<(), Halted> = self.ended.set(cause.clone());",
            ],
        )],
    },
    Mistake {
        name: "loop_left_without_a_last_look",
        told: "The loop of a core leaves those asleep who came between its look and the end.",
        module: "waiters",
        edits: &[(
            &["due.into_values().for_each(Waker::wake);", "if ended {"],
            &[
                "due.into_values().for_each(Waker::wake);",
                "if self.ended.get().is_some() {",
            ],
        )],
    },
    Mistake {
        name: "close_does_not_wait",
        told: "Closing returns before the committer has ended.",
        module: "mod",
        edits: &[(&["drop(handle.join());"], &["drop(handle);"])],
    },
    Mistake {
        name: "server_not_told",
        told: "A failed commit ends the queue, and the server goes on.",
        module: "mod",
        edits: &[(
            &["self.halted.send_replace(Some(cause.clone()));"],
            &["let _: &watch::Sender<Option<Halted>> = &self.halted;"],
        )],
    },
];
