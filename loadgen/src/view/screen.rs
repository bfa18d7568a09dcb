//! The terminal while a screen is shown on it.

use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

use super::draw;
use super::eye::Eye;
use super::observer::Observer;
use super::panels::Theme;
use crate::output;

/// How often keys are looked for.
const LOOK: Duration = Duration::from_millis(125);

/// How many looks until the figures are drawn anew.
const LOOKS_TO_DRAW: u32 = 2;

/// A terminal that shows a screen, and is as it was once this is gone: after an error and after a
/// panic too.
#[derive(Debug)]
pub(super) struct Screen {
    terminal: DefaultTerminal,
    theme: Theme,
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    /// To stop and report.
    Stop,
    /// To draw everything anew, because something else has written on the screen.
    Redraw,
}

impl Wish {
    fn of(key: KeyEvent) -> Option<Self> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        match (key.code, key.modifiers.contains(KeyModifiers::CONTROL)) {
            (KeyCode::Char('c'), true) | (KeyCode::Char('q' | 'Q'), false) => Some(Self::Stop),
            (KeyCode::Char('l'), true) => Some(Self::Redraw),
            _ => None,
        }
    }
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn open() -> std::io::Result<Self> {
        let terminal = ratatui::try_init().inspect_err(|_| give_back())?;
        let theme = Theme {
            colours: output::wants_colours(),
        };
        Ok(Self { terminal, theme })
    }

    /// Waits for `work` and shows the run meanwhile; `stop` is told of each key that asks for it.
    pub(super) async fn show<W: Future>(
        mut self,
        mut observer: Observer,
        eye: Eye,
        stop: &Notify,
        work: W,
    ) -> W::Output {
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looks_left = 0;
        let mut snapshot = observer.look(&eye.look());
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                result = &mut work => return result,
                _ = looks.tick() => {
                    let is_resized = self.hear(stop);
                    if looks_left == 0 {
                        looks_left = LOOKS_TO_DRAW;
                        snapshot = observer.look(&eye.look());
                    }
                    if looks_left == LOOKS_TO_DRAW || is_resized {
                        // A terminal that has gone away ends the run by a signal, not by this.
                        let theme = self.theme;
                        let _ = self.terminal.draw(|frame| draw::draw(frame, &snapshot, theme));
                    }
                    looks_left -= 1;
                }
            }
        }
    }

    /// Hears all keys that were pressed; whether the screen has another size or shall be drawn anew.
    fn hear(&mut self, stop: &Notify) -> bool {
        let mut must_draw = false;
        while event::poll(Duration::ZERO).unwrap_or(false) {
            match event::read() {
                Ok(Event::Key(key)) => match Wish::of(key) {
                    Some(Wish::Stop) => stop.notify_one(),
                    Some(Wish::Redraw) => must_draw |= self.terminal.clear().is_ok(),
                    None => {}
                },
                Ok(Event::Resize(..)) => must_draw = true,
                Ok(_) => {}
                Err(_) => break,
            }
        }
        must_draw
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The cursor is shown again when the terminal is dropped.
        give_back();
    }
}

/// Gives the terminal back. What cannot be said to a terminal that is gone, nobody misses.
fn give_back() {
    drop(ratatui::try_restore());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_keys_ask_for_something() {
        let check = |letter, modifiers, wish| {
            let key = KeyEvent::new(KeyCode::Char(letter), modifiers);
            assert_eq!(Wish::of(key), wish, "{key:?}");
        };
        check('q', KeyModifiers::NONE, Some(Wish::Stop));
        check('Q', KeyModifiers::SHIFT, Some(Wish::Stop));
        check('c', KeyModifiers::CONTROL, Some(Wish::Stop));
        check('c', KeyModifiers::NONE, None);
        check('q', KeyModifiers::CONTROL, None);
        check('l', KeyModifiers::CONTROL, Some(Wish::Redraw));
        check('x', KeyModifiers::NONE, None);
    }

    #[test]
    fn a_key_that_is_let_go_asks_for_nothing() {
        let mut key = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
        key.kind = KeyEventKind::Release;
        assert_eq!(Wish::of(key), None);
    }
}
