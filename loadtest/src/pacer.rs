//! Waits with a finer resolution than one millisecond, which is the resolution of tokio's timers.
//!
//! A request of an open loop is measured from the moment when it is due. If a timer were late by half a millisecond,
//! that time would appear as latency of the registry.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

use tokio::sync::Notify;

/// Wakes the tasks of one thread at the requested moments.
#[derive(Debug, Default)]
pub(crate) struct Pacer {
    /// The requested moments with the notifications of the waiting tasks. The numbers make moments unique.
    waiting: RefCell<BTreeMap<(Instant, u64), Rc<Notify>>>,
    next_number: Cell<u64>,
    /// Notified if an added moment is earlier than all others.
    earlier: Notify,
}

impl Pacer {
    /// Waits until `moment`; returns at once if it has passed. No other task may use `task`.
    pub(crate) async fn until(&self, moment: Instant, task: &Rc<Notify>) {
        if moment <= Instant::now() {
            return;
        }
        let key = (moment, self.next_number.get());
        self.next_number.set(key.1 + 1);
        self.waiting.borrow_mut().insert(key, task.clone());
        if self.waiting.borrow().first_key_value().is_some_and(|(first, _)| *first == key) {
            self.earlier.notify_one();
        }
        task.notified().await;
    }

    /// Wakes waiting tasks as long as it is polled.
    pub(crate) async fn run(&self) -> std::io::Result<()> {
        let timer = timer::Timer::new()?;
        loop {
            let now = Instant::now();
            let next = {
                let mut waiting = self.waiting.borrow_mut();
                while let Some(due) = waiting.first_entry().filter(|first| first.key().0 <= now) {
                    due.remove().notify_one();
                }
                waiting.first_key_value().map(|(&(moment, _), _)| moment)
            };
            match next {
                None => self.earlier.notified().await,
                Some(moment) => tokio::select! {
                    slept = timer.sleep_until(moment) => slept?,
                    () = self.earlier.notified() => {}
                },
            }
        }
    }
}

#[cfg(target_os = "linux")]
mod timer {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::{Duration, Instant};

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    use tokio::io::unix::AsyncFd;

    /// A timer of the kernel that is awaited like a socket.
    pub(super) struct Timer(AsyncFd<OwnedFd>);

    impl Timer {
        pub(super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            #[expect(
                deprecated,
                reason = "its successor is unsafe for types that may change their descriptor; this has one"
            )]
            AsyncFd::new(timer).map(Self)
        }

        pub(super) async fn sleep_until(&self, moment: Instant) -> io::Result<()> {
            // A duration of zero would disarm the timer.
            let left = moment.saturating_duration_since(Instant::now()).max(Duration::from_nanos(1));
            let it_value = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: i64::from(left.subsec_nanos()) };
            let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
            timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)?;
            loop {
                let mut ready = self.0.readable().await?;
                let read = ready.try_io(|timer| Ok(rustix::io::read(timer, &mut [0; 8])?));
                match read {
                    Ok(expirations) => return expirations.map(drop),
                    // The readiness belongs to a moment that was replaced by an earlier one.
                    Err(_) => continue,
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod timer {
    use std::io;
    use std::time::Instant;

    /// The timers of tokio, which are late by up to a millisecond.
    pub(super) struct Timer;

    impl Timer {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) async fn sleep_until(&self, moment: Instant) -> io::Result<()> {
            tokio::time::sleep_until(moment.into()).await;
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn tasks_are_woken_in_order_and_never_early() {
        let pacer = Pacer::default();
        let start = Instant::now();
        let woken = RefCell::new(Vec::new());
        let wait = async |ms: u64| {
            let moment = start + Duration::from_millis(ms);
            pacer.until(moment, &Rc::default()).await;
            assert!(Instant::now() >= moment);
            woken.borrow_mut().push(ms);
        };

        tokio::select! {
            biased;
            ended = pacer.run() => ended.expect("there is a timer"),
            _ = async { tokio::join!(wait(30), wait(10), wait(20), wait(0)) } => {}
        }

        assert_eq!(*woken.borrow(), [0, 10, 20, 30]);
    }
}
