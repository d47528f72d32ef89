//! What `--help` prints below a command's arguments: examples, and the exit codes.

pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  everything was as expected, or the reader of the output closed it early
  1  an expectation of the scenario failed (the difference is printed), or something was refused
     for good
  2  the command line, a file or the component cannot be used; for `run` also the key or the address
  3  a sync or a tick would remove more than the removal guard allows: see `harness preview`, then
     `harness sync --yes`; or `harness disconnect` was not confirmed
  4  ended in the middle, Kisi cannot be reached for now, or another harness command is working on
     the installation: the same command continues
  5  paused until a person acts; then `harness connect`
  6  the answer is no: no door opens for the member, or this one stays shut
  7  it is not known whether the door opened: look at it before trying again
  8  the members' file does not confirm the event: correct the file, and send the event again
  130  Ctrl-C; for sync, preview, tick and disconnect the second one, since the first ends them
       after the current step";

pub(super) const OVERVIEW: &str = "\
A first hour:
  harness connect --key-file key.txt --members my-gym --contact me@my-gym.example
  harness groups                          Kisi's access groups
  harness map Basic \"Front door\"         the plan Basic opens the group Front door
  harness preview                         who would gain and lose what
  harness sync                            make Kisi match
  harness event membership-frozen 1042    a membership changed: update this member
  harness explain 1042                    may this member enter, and if not, why
  harness tick --until-done               do what is due by date; run it regularly
";

pub(super) const RUN: &str = "\
Examples:
  harness run scenarios/membership-frozen.toml
      plays against a simulator in this process; waiting takes no time
  harness run scenarios/demo.toml --kisi http://127.0.0.1:8080 --key-file key.txt --allow-seeding
      plays against a running simulator (kisi-sim --port 8080) and replaces its content
  harness run my.toml --kisi https://api.kisi.io --key-file key.txt
      plays against Kisi itself: the scenario may then neither seed nor need a simulator

A scenario:
  title = \"A frozen membership\"
  story = \"Ann freezes her membership. The door stays shut until she comes back.\"

  [[plans]]
  id = \"basic\"
  name = \"Basic\"

  [[groups]]
  name = \"24/7 entrance\"

  [[mappings]]
  plan = \"basic\"
  groups = [\"24/7 entrance\"]

  [[members]]
  id = \"ann\"
  name = \"Ann Lee\"
  email = \"ann@example.test\"
  memberships = [{ id = \"m-1\", plan = \"basic\" }]

  [[steps]]
  event = \"membership-purchased\"
  member = \"ann\"
  expect = { groups = { ann = [\"24/7 entrance\"] } }

  [[steps]]
  event = \"membership-frozen\"
  member = \"ann\"
  change = { memberships = [{ id = \"m-1\", status = \"frozen\" }] }
  expect = { groups = { ann = [] }, reasons = { ann = [\"frozen\"] }, calls = 1 }

scenarios/README.md describes everything that a scenario can contain.
";

pub(super) const INSPECT: &str = "\
Examples:
  harness inspect target/component/kisi_plugin.wasm
  harness inspect some_plugin.wasm --json
";

pub(super) const CONNECT: &str = "\
Examples:
  harness connect --key-file key.txt --members my-gym --contact me@my-gym.example
      installs: Kisi itself, the members in my-gym/members.csv and the plans in my-gym/plans.csv
  harness connect --kisi http://127.0.0.1:8080 --key-file key.txt --members examples/gym-300 \\
      --contact me@my-gym.example --unpaced
      against a simulator: cargo run -p kisi-sim -- --port 8080 --unpaced --seed examples/gym-300/kisi.toml
  harness connect --grace-days 7
      changes a setting of an installation
  harness connect --key-file new-key.txt
      gives it another key; everything else stays
";

pub(super) const STATUS: &str = "\
Examples:
  harness status                  the connection, the mapping, the last sync
  harness status --state north    of the gym in the folder north
";

pub(super) const GROUPS: &str = "\
Examples:
  harness groups              from the records; sends no request
  harness groups --refresh    reads them from Kisi: for a group that is new there
";

pub(super) const MAP: &str = "\
Examples:
  harness map                                  shows which plan opens which groups
  harness map Basic \"24/7 entrance\"            Basic opens this group; ids work as well as names
  harness map Basic \"Gym North\" --at north     only memberships of the location north
  harness map --remove Basic                   Basic opens nothing any more
  harness map --remove Basic \"24/7 entrance\"   Basic no longer opens this group
  harness map --file mapping.csv               replaces all entries by those of the file
  harness map --file mapping.csv --preview     who would gain and lose what; nothing changes

mapping.csv:
  plan,group,location
  Basic,24/7 entrance,
  Basic,Gym North,north
";

pub(super) const PREVIEW: &str = "\
Examples:
  harness preview           who would gain and lose what; nothing changes in Kisi
  harness preview --all     every line
  harness preview --keep    keeps the preview, so that the next `harness sync` applies exactly this
";

pub(super) const SYNC: &str = "\
Examples:
  harness sync              makes Kisi match the members' file
  harness sync --yes        the same, even when it removes more than the removal guard allows
  harness sync --cancel     cancels an unfinished sync; what it did stays
  harness sync --calls 50   in steps of at most 50 requests; Ctrl-C ends it between two steps

The next `harness sync` continues a sync that ended in the middle.
";

pub(super) const EVENT: &str = "\
Examples:
  harness event membership-purchased 1042
  harness event membership-frozen ann@example.test
  harness event member-deleted 1042
      after the change is in the members' file, which decides

Kinds: membership-purchased, membership-started, membership-renewed, plan-changed, membership-cancelled, \
membership-frozen, membership-unfrozen, membership-expired, payment-overdue, payment-recovered, member-blocked, \
member-unblocked, member-changed, member-deleted, other:WORD.
";

pub(super) const EXPLAIN: &str = "\
Examples:
  harness explain 1042                         from the records alone; sends no request
  harness explain ann@example.test --verify    reads Kisi, too, and reports differences
  harness explain \"Ann Lee\" --bluetooth off    with the state of the member's phone
";

pub(super) const DOORS: &str = "\
Examples:
  harness doors 1042           by id, e-mail address or name
  harness doors \"Ann Lee\"
";

pub(super) const UNLOCK: &str = "\
Examples:
  harness unlock 1042 \"Front door\"     one of the member's doors, as `harness doors 1042` lists them
  harness unlock 1042 7000001          by its id

Each run that succeeds opens the door once. The command never repeats the request. Kisi logs the owner of the key at the \
door, and not the member.
";

pub(super) const LOGIN: &str = "\
Examples:
  harness login 1042 --brand Apple --model \"iPhone 17\" --system iOS
      prints the secret of a login, once: give it to the app
  harness login 1042 --revoke 8000001
      ends it
";

/// The two ways to use `harness login`, so that an error about one does not hide the other.
pub(super) const LOGIN_USAGE: &str = "\
harness login [OPTIONS] <MEMBER> --brand <TEXT> --model <TEXT> --system <TEXT>
       harness login [OPTIONS] <MEMBER> --revoke <ID>";

pub(super) const TICK: &str = "\
Examples:
  harness tick                one call: at most 20 requests
  harness tick --until-done   calls until nothing is due; Ctrl-C ends it between two calls
  harness tick --until-done --json | jq .next

Run it from cron or a timer, every hour for example: when nothing is due it sends no request. It prints when it is due \
next.

  17 * * * *  cd /srv/my-gym && harness tick --until-done

Exit code 3: a sync waits for confirmation; see `harness preview`, then `harness sync --yes`. Exit code 4: more is due \
than one call did.
";

pub(super) const DISCONNECT: &str = "\
Examples:
  harness disconnect                         asks for the gym's name, changes nothing in Kisi
  harness disconnect --remove-granted        takes what the plugin gave or adopted, and nothing else
  harness disconnect --yes --out left.csv    does not ask, and writes the list of people to a file

The next `harness disconnect` continues one that ended in the middle.
";

pub(super) const ROTATE: &str = "\
Examples:
  harness rotate-sealing-key
      when `harness connect` made the sealing key: replaces it by a new one
  (umask 077; openssl rand -hex 32 > new.key)
  harness rotate-sealing-key --sealing-key-file old.key --new-sealing-key-file new.key
      when you provide it, in old.key: from then on all commands need --sealing-key-file new.key

The keys can also be in the environment: HARNESS_SEALING_KEY and HARNESS_NEW_SEALING_KEY.
";
