//! An attack, and how it is played: a tenant of the hostile plugin does it, a neighbour on the same engine and the same
//! thread goes on with its own calls meanwhile, and the attacker's next call works.

use std::cell::Cell;
use std::time::{Duration, Instant};

use door_access_host::{ApprovedOrigin, CallError, Denial, Exchange, ExchangeEnd, Limits, Plugin, Recording};
use tokio::sync::{OnceCell, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::guest;
use crate::stage::{ENGINE, ORIGIN, Stage, stage_of};

/// The orders that the hostile plugin has besides those of the obedient one.
pub(crate) const FURTHER: &str = include_str!("further.wat");

/// Calls of the neighbour beside an attack, at least.
const BESIDE_MIN: usize = 3;

/// Something that a plugin tries, and what must come of it.
pub(crate) struct Attack {
    /// In a word or two.
    pub(crate) name: &'static str,
    /// What it tries.
    pub(crate) tries: &'static str,
    /// See `further.wat`.
    pub(crate) order: String,
    pub(crate) limits: Limits,
    /// What else is special about the stage.
    pub(crate) prepare: Box<dyn Fn(&Stage)>,
    pub(crate) end: End,
    /// What must hold outside the plugin afterwards.
    pub(crate) afterwards: Afterwards,
}

type Afterwards = Box<dyn Fn(&Stage, &Recording)>;

/// How an attack must end.
pub(crate) enum End {
    /// The host ends the call, with this error.
    Stopped(fn(&CallError) -> bool),
    /// The plugin lives to say this: it was refused, or what it did harms nobody.
    Says(&'static str),
    /// The plugin lives to say something of this kind.
    SaysLike(fn(&str) -> bool),
}

/// An [`End::Stopped`] for a pattern of [`CallError`].
macro_rules! stopped {
    ($pattern:pat $(if $guard:expr)?) => {
        $crate::attack::End::Stopped(|error| matches!(error, $pattern $(if $guard)?))
    };
}
pub(crate) use stopped;

impl Attack {
    /// An attack with ordinary limits, scaled down so that a test need not wait for them.
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

    pub(crate) fn limits(self, change: impl FnOnce(Limits) -> Limits) -> Self {
        Self { limits: change(limits()), ..self }
    }

    pub(crate) fn prepare(self, prepare: impl Fn(&Stage) + 'static) -> Self {
        Self { prepare: Box::new(prepare), ..self }
    }

    pub(crate) fn afterwards(self, afterwards: impl Fn(&Stage, &Recording) + 'static) -> Self {
        Self { afterwards: Box::new(afterwards), ..self }
    }

    /// Nothing leaves the machine, and the last request was refused for this reason.
    pub(crate) fn denied(self, denial: fn(&Denial) -> bool) -> Self {
        self.afterwards(move |stage, recording| {
            assert_eq!(stage.wire.sent().len(), 0);
            let end = last_end(recording);
            assert!(matches!(end, Some(ExchangeEnd::Denied(reason)) if denial(reason)), "{end:?}");
        })
    }

    /// Not even a request is made of it, and nothing leaves the machine.
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

    /// Whether it ended as it must. Panics with what is wrong when not.
    pub(crate) fn check(&self, stage: &Stage, recording: &Recording, ended: &Result<String, CallError>) {
        let as_it_must = match (&self.end, ended) {
            (End::Stopped(is), Err(error)) => is(error),
            (End::Says(expected), Ok(said)) => expected == said,
            (End::SaysLike(is), Ok(said)) => is(said),
            _ => false,
        };
        assert!(as_it_must, "{}: {}", self.name, shown(ended));
        (self.afterwards)(stage, recording);
    }
}

/// Limits like the default ones, but that tests reach in a moment.
pub(crate) fn limits() -> Limits {
    Limits {
        compute_max: Duration::from_millis(1_000),
        duration_max: Duration::from_secs(2),
        wait_max: Duration::from_secs(2),
        memory_bytes_max: 16 << 20,
        ..Limits::default()
    }
}

/// The hostile plugin.
pub(crate) async fn plugin() -> Plugin {
    // Made once: that takes longer than most attacks.
    static PLUGIN: OnceCell<Plugin> = OnceCell::const_new();
    let made = async || ENGINE.load(&guest::component_with_orders(FURTHER)).await.unwrap();
    PLUGIN.get_or_init(made).await.clone()
}

/// A tenant of the hostile plugin with its origin approved.
pub(crate) async fn hostile(limits: Limits) -> Stage {
    let approved = ApprovedOrigin::direct(ORIGIN.parse().unwrap());
    stage_of(plugin().await, |builder| builder.approve(approved).limits(limits))
}

pub(crate) fn last_end(recording: &Recording) -> Option<&ExchangeEnd> {
    recording.exchanges.last().map(|Exchange { end, .. }| end)
}

/// What came of an attack.
pub(crate) fn shown(ended: &Result<String, CallError>) -> String {
    match ended {
        Ok(said) => {
            match said.strip_prefix("error ").and_then(|code| ERROR_CODES.get(code.parse::<usize>().ok()?)) {
                Some(name) => format!("says `{name}`"),
                None => format!("says {said:?}"),
            }
        }
        Err(error) => error.to_string(),
    }
}

/// Why the host refused the last request, or kept the answer to it from the guest.
pub(crate) fn refused(recording: &Recording) -> Option<String> {
    match last_end(recording)? {
        ExchangeEnd::Denied(why) => Some(format!("; refused: {why}")),
        ExchangeEnd::Withheld(why) => Some(format!("; withheld: {why}")),
        _ => None,
    }
}

/// The cases of `wasi:http/types.error-code` in their order: the guest tells the number of the one that it got.
const ERROR_CODES: [&str; 39] = [
    "DNS-timeout",
    "DNS-error",
    "destination-not-found",
    "destination-unavailable",
    "destination-IP-prohibited",
    "destination-IP-unroutable",
    "connection-refused",
    "connection-terminated",
    "connection-timeout",
    "connection-read-timeout",
    "connection-write-timeout",
    "connection-limit-reached",
    "TLS-protocol-error",
    "TLS-certificate-error",
    "TLS-alert-received",
    "HTTP-request-denied",
    "HTTP-request-length-required",
    "HTTP-request-body-size",
    "HTTP-request-method-invalid",
    "HTTP-request-URI-invalid",
    "HTTP-request-URI-too-long",
    "HTTP-request-header-section-size",
    "HTTP-request-header-size",
    "HTTP-request-trailer-section-size",
    "HTTP-request-trailer-size",
    "HTTP-response-incomplete",
    "HTTP-response-header-section-size",
    "HTTP-response-header-size",
    "HTTP-response-body-size",
    "HTTP-response-trailer-section-size",
    "HTTP-response-trailer-size",
    "HTTP-response-transfer-coding",
    "HTTP-response-content-coding",
    "HTTP-response-timeout",
    "HTTP-upgrade-failed",
    "HTTP-protocol-error",
    "loop-detected",
    "configuration-error",
    "internal-error",
];

/// The neighbour's call: one that computes and one that goes out, each answered as it would be without anybody else.
pub(crate) async fn neighbour_s_call(neighbour: &Stage) -> Duration {
    let began = Instant::now();
    assert_eq!(neighbour.order("Ehello").await, "hello");
    assert_eq!(neighbour.get("/doors").await, "200 open");
    began.elapsed()
}

/// What came of an attack.
pub(crate) struct Played {
    pub(crate) ended: Result<String, CallError>,
    /// What the host told of it.
    pub(crate) recording: Recording,
    pub(crate) took: Duration,
    /// How long the neighbour's calls took meanwhile.
    pub(crate) times: Vec<Duration>,
}

/// Plays an attack while the neighbour goes on.
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
            // Its calls need not wait for anything; without this the attack would not get to run.
            tokio::task::yield_now().await;
        }
        times
    };
    let (times, (ended, took)) = tokio::join!(others, attacker);
    let recording = stage.recorder.take();
    assert_eq!(stage.order("Estill here").await, "still here", "after {}", attack.name);
    Played { ended, recording, took, times }
}

static HALL: RwLock<()> = RwLock::const_new(());

/// For tests that do not mind others beside them.
pub(crate) async fn among_others() -> RwLockReadGuard<'static, ()> {
    HALL.read().await
}

/// For a test that measures the process, so that no other may run.
pub(crate) async fn alone() -> RwLockWriteGuard<'static, ()> {
    HALL.write().await
}

/// All attacks.
pub(crate) fn all() -> Vec<Attack> {
    let lists = [
        crate::compute::attacks(),
        crate::boundary::attacks(),
        crate::requests::attacks(),
        crate::smuggling::attacks(),
        crate::keeping::attacks(),
        crate::key::attacks(),
    ];
    lists.into_iter().flatten().collect()
}
