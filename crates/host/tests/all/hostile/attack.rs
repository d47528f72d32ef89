//! An attack, and how it is played: a tenant of the hostile plugin attacks, a neighbour on the same engine and thread makes
//! its own calls meanwhile, and afterwards the attacker's next call works.

use std::cell::Cell;
use std::time::{Duration, Instant};

use door_access_host::{
    ApprovedOrigin, CallError, Deadline, Denial, Exchange, ExchangeEnd, Limits, Plugin, Recording,
};
use tokio::sync::OnceCell;

use crate::guest;
use crate::stage::{ENGINE, ORIGIN, Stage, stage_of};

/// The hostile plugin's orders besides those of the obedient one.
pub(crate) const FURTHER: &str = include_str!("further.wat");

/// Least calls of the neighbour beside an attack.
const BESIDE_MIN: usize = 3;

/// An [`End::Stopped`] for a pattern of [`CallError`].
macro_rules! stopped {
    ($pattern:pat $(if $guard:expr)?) => {
        $crate::hostile::attack::End::Stopped(|error| matches!(error, $pattern $(if $guard)?))
    };
}
pub(crate) use stopped;

/// Computing time of an attack that never ends: long enough to interrupt it many times, and for a neighbour who had to wait
/// for its end to show it.
pub(crate) const MOMENT: Duration = Duration::from_millis(400);

/// Something that a plugin tries, and how it must end.
pub(crate) struct Attack {
    /// A name of one or two words.
    pub(crate) name: &'static str,
    /// What it tries.
    pub(crate) tries: &'static str,
    /// See `further.wat`.
    pub(crate) order: String,
    pub(crate) limits: Limits,
    /// Prepares the stage.
    pub(crate) prepare: Box<dyn Fn(&Stage)>,
    pub(crate) end: End,
    /// Checks what must hold outside the plugin afterwards.
    pub(crate) afterwards: Afterwards,
}

type Afterwards = Box<dyn Fn(&Stage, &Recording)>;

/// How an attack must end.
pub(crate) enum End {
    /// The host ends the call, with this error.
    Stopped(fn(&CallError) -> bool),
    /// The plugin ends by itself and says this: it was refused, or its action is harmless.
    Says(&'static str),
    /// The plugin ends by itself and says something of this kind.
    SaysLike(fn(&str) -> bool),
}

impl Attack {
    /// An attack within [`limits`].
    pub(crate) fn new(name: &'static str, tries: &'static str, order: impl Into<String>, end: End) -> Self {
        Self {
            name,
            tries,
            order: order.into(),
            limits: limits(),
            prepare: Box::new(|_| {}),
            end,
            afterwards: Box::new(|_, _| {}),
        }
    }

    /// An attack that never ends by itself: its computing time must end it.
    pub(crate) fn endless(name: &'static str, tries: &'static str, order: impl Into<String>) -> Self {
        let end = stopped!(CallError::TimedOut(Deadline::Compute, 400));
        Self::new(name, tries, order, end).limits(|limits| Limits { compute_max: MOMENT, ..limits })
    }

    pub(crate) fn is_endless(&self) -> bool {
        self.limits.compute_max == MOMENT
    }

    pub(crate) fn limits(self, change: impl FnOnce(Limits) -> Limits) -> Self {
        Self { limits: change(limits()), ..self }
    }

    pub(crate) fn prepare(self, prepare: impl Fn(&Stage) + 'static) -> Self {
        Self { prepare: Box::new(prepare), ..self }
    }

    pub(crate) fn afterwards(self, afterwards: impl Fn(&Stage, &Recording) + 'static) -> Self {
        Self { afterwards: Box::new(afterwards), ..self }
    }

    /// Nothing is sent, and the last request was refused for this reason.
    pub(crate) fn denied(self, denial: fn(&Denial) -> bool) -> Self {
        self.afterwards(move |stage, recording| {
            assert_eq!(stage.wire.sent().len(), 0);
            let end = last_end(recording);
            assert!(matches!(end, Some(ExchangeEnd::Denied(reason)) if denial(reason)), "{end:?}");
        })
    }

    /// No request comes of it, and nothing is sent.
    pub(crate) fn unsent(self) -> Self {
        self.afterwards(|stage, recording| {
            assert_eq!(stage.wire.sent().len(), 0);
            assert_eq!(recording.exchanges, []);
        })
    }

    /// The attacker's tenant.
    pub(crate) async fn stage(&self) -> Stage {
        let stage = hostile(self.limits.clone()).await;
        (self.prepare)(&stage);
        stage
    }

    /// Panics unless it ended as it must.
    pub(crate) fn check(&self, stage: &Stage, recording: &Recording, ended: &Result<String, CallError>) {
        let is_right = match (&self.end, ended) {
            (End::Stopped(is), Err(error)) => is(error),
            (End::Says(expected), Ok(said)) => expected == said,
            (End::SaysLike(is), Ok(said)) => is(said),
            _ => false,
        };
        assert!(is_right, "{}: {}", self.name, shown(ended));
        (self.afterwards)(stage, recording);
    }
}

/// The default limits with less memory, and with deadlines that only a hang reaches, however slow the machine.
pub(crate) fn limits() -> Limits {
    Limits {
        compute_max: Duration::from_secs(300),
        duration_max: Duration::from_secs(300),
        wait_max: Duration::from_secs(300),
        response_timeout: Duration::from_secs(300),
        memory_bytes_max: 16 << 20,
        ..Limits::default()
    }
}

/// The hostile plugin.
pub(crate) async fn plugin() -> Plugin {
    // Assembled once: that takes longer than most attacks.
    static PLUGIN: OnceCell<Plugin> = OnceCell::const_new();
    let made = async || ENGINE.load(&guest::component_with_orders(FURTHER)).await.unwrap();
    PLUGIN.get_or_init(made).await.clone()
}

/// A tenant of the hostile plugin with its origin approved.
pub(crate) async fn hostile(limits: Limits) -> Stage {
    let approved = ApprovedOrigin::direct(ORIGIN.parse().unwrap());
    stage_of(plugin().await, |builder| builder.approve(approved).limits(limits))
}

/// The network answers without a body.
pub(crate) fn bare(stage: &Stage) {
    stage.wire.answer(|_| Ok(http::Response::default()));
}

pub(crate) fn last_end(recording: &Recording) -> Option<&ExchangeEnd> {
    recording.exchanges.last().map(|Exchange { end, .. }| end)
}

/// The result of an attack, for the table.
pub(crate) fn shown(ended: &Result<String, CallError>) -> String {
    match ended {
        Ok(said) => format!("says {said:?}"),
        Err(error) => error.to_string(),
    }
}

/// Why the host refused the last request, or withheld its response.
pub(crate) fn refused(recording: &Recording) -> Option<String> {
    match last_end(recording)? {
        ExchangeEnd::Denied(why) => Some(format!("; refused: {why}")),
        ExchangeEnd::Withheld(why) => Some(format!("; withheld: {why}")),
        _ => None,
    }
}

/// A pair of the neighbour's calls, one that computes and one that sends a request, with their usual answers.
pub(crate) async fn neighbour_s_call(neighbour: &Stage) -> Duration {
    let began = Instant::now();
    assert_eq!(neighbour.order("Ehello").await, "hello");
    assert_eq!(neighbour.get("/doors").await, "200 open");
    began.elapsed()
}

/// The result of an attack.
pub(crate) struct Played {
    pub(crate) ended: Result<String, CallError>,
    /// What the host recorded of it.
    pub(crate) recording: Recording,
    pub(crate) took: Duration,
    /// How long the neighbour's calls took meanwhile.
    pub(crate) times: Vec<Duration>,
}

/// Plays an attack while the neighbour makes its calls.
pub(crate) async fn play(attack: &Attack, stage: &Stage, neighbour: &Stage) -> Played {
    let over = Cell::new(false);
    let attacker = async {
        let began = Instant::now();
        let ended = stage.try_order(&attack.order).await;
        over.set(true);
        (ended, began.elapsed())
    };
    let others = async {
        let mut times = Vec::new();
        while !over.get() || times.len() < BESIDE_MIN {
            times.push(neighbour_s_call(neighbour).await);
            // The neighbour's calls never wait, so yield to let the attack run.
            tokio::task::yield_now().await;
        }
        times
    };
    let (times, (ended, took)) = tokio::join!(others, attacker);
    let recording = stage.recorder.take();
    assert_eq!(stage.order("Estill here").await, "still here", "after {}", attack.name);
    Played { ended, recording, took, times }
}

/// All attacks.
pub(crate) fn all() -> Vec<Attack> {
    let lists = [
        super::compute::attacks(),
        super::boundary::attacks(),
        super::requests::attacks(),
        super::smuggling::attacks(),
        super::keeping::attacks(),
        super::key::attacks(),
    ];
    lists.into_iter().flatten().collect()
}
