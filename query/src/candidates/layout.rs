//! Which calls are looked at together: those of one program in one cluster, and in it those of one action.

use std::ops::Range;

use super::input::{Inputs, Kind};
use super::names::number;
use super::scenes::Scenes;

/// Calls by program and by action.
pub(super) struct Layout {
    /// Calls that have suspects, by program, each program's in their order.
    pub(super) by_program: Vec<u32>,
    /// The same by action.
    pub(super) by_action: Vec<u32>,
    pub(super) programs: Vec<Program>,
}

/// Calls of one program in one cluster.
pub(super) struct Program {
    /// Its calls, among those by program.
    pub(super) calls: Range<usize>,
    /// Those of each of its actions, among those by action.
    pub(super) actions: Vec<Range<usize>>,
}

impl Layout {
    pub(super) fn new(inputs: &Inputs, scenes: &Scenes) -> Self {
        let program = |kind: &Kind| (kind.cluster, kind.program);
        let action = |kind: &Kind| (kind.event_source, kind.event_name, kind.resource);
        let alike = |one: &Kind, other: &Kind| {
            program(one) == program(other) && action(one) == action(other)
        };
        // Kinds of one action are neighbours, and actions of one program.
        let kinds = &inputs.kinds;
        let mut action_of: Vec<u32> = Vec::with_capacity(kinds.len());
        let mut program_of: Vec<u32> = Vec::with_capacity(kinds.len());
        for (at, actions) in kinds.chunk_by(alike).enumerate() {
            action_of.resize(action_of.len() + actions.len(), number(at));
        }
        for (at, programs) in kinds
            .chunk_by(|one, other| program(one) == program(other))
            .enumerate()
        {
            program_of.resize(program_of.len() + programs.len(), number(at));
        }
        let (by_action, actions) = sorted_by(inputs, scenes, &action_of);
        let (by_program, programs) = sorted_by(inputs, scenes, &program_of);
        let mut programs: Vec<Program> = programs
            .into_iter()
            .map(|calls| Program {
                calls,
                actions: Vec::new(),
            })
            .collect();
        for calls in actions.into_iter().filter(|calls| !calls.is_empty()) {
            let call = by_action[calls.start];
            let kind = inputs.calls[call as usize].kind;
            let program = program_of[kind as usize];
            programs[program as usize].actions.push(calls);
        }
        Self {
            by_program,
            by_action,
            programs,
        }
    }
}

/// Puts the calls that have suspects into the order of what their kinds are part of, and tells where each part is.
fn sorted_by(inputs: &Inputs, scenes: &Scenes, part_of: &[u32]) -> (Vec<u32>, Vec<Range<usize>>) {
    let calls = || {
        scenes
            .of_call
            .iter()
            .enumerate()
            .filter_map(|(at, &scene)| {
                let scene = &scenes.all[scene as usize];
                let part = part_of[inputs.calls[at].kind as usize] as usize;
                (!scene.suspects.is_empty()).then_some((number(at), part))
            })
    };
    let parts = part_of.last().map_or(0, |&last| last as usize + 1);
    let mut next = vec![0; parts];
    for (_, part) in calls() {
        next[part] += 1;
    }
    let mut total = 0;
    let ranges: Vec<Range<usize>> = next
        .iter_mut()
        .map(|next| {
            let start = total;
            total += *next;
            *next = start;
            start..total
        })
        .collect();
    let mut sorted = vec![0; total];
    for (call, part) in calls() {
        sorted[next[part]] = call;
        next[part] += 1;
    }
    (sorted, ranges)
}
