//! Attacks on the boundary between plugin and host: arguments that are too large, malformed, or foreign handles.

use door_access_host::CallError;

use super::attack::{Attack, End, limits, stopped};

pub(crate) fn attacks() -> Vec<Attack> {
    let mut attacks = sizes();
    attacks.extend(malformed());
    attacks.extend(handles());
    attacks
}

fn sizes() -> Vec<Attack> {
    let too_much = || stopped!(CallError::HostCallLimit { limit_bytes: 4_194_304 });
    let headers = || stopped!(CallError::HeaderLimit { limit_bytes: 32_768 });
    // Just below and just above the limit of one call of an import.
    let (below, above) = ((4 << 20) - 1_000, (4 << 20) + 1_000);
    let over = [
        (0, "a log line over 4 MiB"),
        (1, "a key over 4 MiB to look for"),
        (2, "a key over 4 MiB to write"),
        (3, "a value over 4 MiB"),
        (4, "a prefix over 4 MiB"),
        (5, "an e-mail address over 4 MiB"),
        (6, "a header's value over 4 MiB"),
        (7, "a header's name over 4 MiB"),
        (8, "a path over 4 MiB"),
        (9, "an authority over 4 MiB"),
        (10, "a method over 4 MiB"),
    ];
    let over = over
        .into_iter()
        .map(|(target, tries)| Attack::new("huge text", tries, format!("f{target}\n{above}\n"), too_much()));
    // Texts below the limit pass the boundary, and the receiver refuses them.
    let under = [
        (0, "a log line of 4 MiB", End::Says("")),
        (1, "a key of 4 MiB to look for", End::Says("0")),
        (2, "a key of 4 MiB to write", End::Says("storage refused10")),
        (3, "a value of 4 MiB", End::Says("storage refused11")),
        (4, "a prefix of 4 MiB", End::Says("0")),
        (5, "an e-mail address of 4 MiB", End::Says("0")),
        (6, "a header's value of 4 MiB", headers()),
        (7, "a header's name of 4 MiB", End::Says("1")),
        (8, "a path of 4 MiB", End::Says("1")),
        (9, "an authority of 4 MiB", End::Says("1")),
        (10, "a method of 4 MiB", End::Says("1")),
    ];
    let under = under
        .into_iter()
        .map(|(target, tries, end)| Attack::new("large text", tries, format!("f{target}\n{below}\n"), end));
    let answers = [
        ("r5000000\n", "an answer of 5 MB"),
        ("h9\n", "an answer with 180,000 empty places"),
        ("h10\n", "an answer with 1,000 places of one long name"),
    ];
    let answers =
        answers.into_iter().map(|(order, tries)| Attack::new("huge answer", tries, order, too_much()));
    over.chain(under).chain(answers).collect()
}

fn malformed() -> Vec<Attack> {
    let trapped = || stopped!(CallError::Trapped { panic: None, .. });
    let arguments = [
        (1, "a log level that does not exist", trapped()),
        (2, "a text beyond its memory", trapped()),
        (3, "a text that is not UTF-8", trapped()),
        (4, "a list with a false length", trapped()),
        (5, "a text beyond its memory, in a list", trapped()),
        (6, "a commit with a false length", trapped()),
        (7, "a precondition that does not exist", trapped()),
        (8, "a limit beyond the contract", trapped()),
        (9, "neither some nor none", trapped()),
        (10, "a method that does not exist", trapped()),
        (11, "an empty list to wait for", trapped()),
        (12, "a list of handles with a false length", trapped()),
        (13, "more bytes at once than a stream takes", trapped()),
        (14, "more bytes than a stream has room for", trapped()),
        (15, "2^64 zeros into a stream", trapped()),
        (16, "a place for results beyond its memory", trapped()),
        (17, "a misaligned place for results", trapped()),
    ];
    let arguments = arguments
        .into_iter()
        .map(|(number, tries, end)| Attack::new("malformed argument", tries, format!("g{number}\n"), end));
    let answers = [
        (1, "neither ok nor err"),
        (2, "a demand that does not exist"),
        (3, "a text beyond its memory"),
        (4, "a text that is not UTF-8"),
        (5, "an answer beyond its memory"),
        (6, "a misaligned answer"),
        (7, "a list with a false length"),
        (8, "a cause of a pause that does not exist"),
    ];
    let answers = answers
        .into_iter()
        .map(|(number, tries)| Attack::new("malformed answer", tries, format!("h{number}\n"), trapped()));
    arguments.chain(answers).collect()
}

fn handles() -> Vec<Attack> {
    let trapped = || stopped!(CallError::Trapped { panic: None, .. });
    let foreign = [
        (1, "one that was never issued"),
        (2, "one that it gave away"),
        (3, "one of another kind"),
        (4, "one that it dropped"),
        (5, "a response whose future it dropped"),
        (6, "a body that it drops before its stream"),
        (7, "a request that it sent already"),
        (8, "a future that it drops before its pollable"),
    ];
    let foreign = foreign
        .into_iter()
        .map(|(number, tries)| Attack::new("foreign handle", tries, format!("m{number}\n"), trapped()));
    let most = limits().resources_max;
    let kept = [
        Attack::new(
            "kept handles",
            "500 header maps, all kept: as many as it may",
            format!("l{most}\n"),
            End::Says(""),
        ),
        Attack::new(
            "kept handles",
            "501 header maps, all kept",
            format!("l{}\n", most + 1),
            stopped!(CallError::ResourceLimit { limit: 500 }),
        ),
    ];
    foreign.chain(kept).collect()
}
