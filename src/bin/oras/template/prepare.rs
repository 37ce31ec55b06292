//! Parses a template, checks it and rewrites it for the engine.
//!
//! - As in Go, unknown functions and variables, `break` outside a loop and blocks without an end
//!   are errors before anything runs. The engine finds the first two late or not at all, and ends
//!   an open block at the end of the text.
//! - Actions that print get a last step that converts values which the engine prints in another way
//!   than Go.
//! - The argument of a template call goes through a step that charges the call to the budget.
//!   A call without an argument gets nil, as in Go.
//! - Dictionaries of the engine are immutable. An action that starts with `set $d …`, or another
//!   function that changes its dictionary in sprig, assigns the result to `$d` first.
//! - Values of the engine have no methods. A field with arguments becomes a function call on the
//!   value that has the field.

use gotmpl::parse::{
    ActionNode, BranchNode, CommandNode, DefineNode, Expr, ListNode, Node, Parser, PipeNode, Pos,
    SmolStr,
};
use gotmpl::{Result, TemplateError};

use super::{NAME, limits, table};
use crate::cli::quote;

/// Name of the step that converts values for printing. The space keeps templates from using it.
pub(super) const PRINTABLE: &str = "make printable";
/// Name of the step that charges a template call.
pub(super) const CHARGE_CALL: &str = "charge call";

/// The functions that change their first argument in sprig.
const MUTATING: [&str; 6] = [
    "set",
    "unset",
    "merge",
    "mustMerge",
    "mergeOverwrite",
    "mustMergeOverwrite",
];

/// Parses a template into its body and the templates that it defines.
pub(super) fn parse(text: &str) -> Result<(ListNode, Vec<DefineNode>)> {
    check_else_branches(text)?;
    let (mut main, mut defines) = parse_tree(text)?;
    check_ends(text)?;
    let mut rewriter = Rewriter::default();
    for list in defines
        .iter_mut()
        .map(|define| &mut define.body)
        .chain([&mut main])
    {
        rewriter.variables = vec!["$".into()];
        rewriter.list(list);
    }
    match rewriter
        .errors
        .into_iter()
        .min_by_key(|(pos, _)| pos.offset)
    {
        Some((pos, message)) => Err(parse_error(pos.line, message)),
        None => Ok((main, defines)),
    }
}

fn parse_tree(text: &str) -> Result<(ListNode, Vec<DefineNode>)> {
    Parser::with_name(Some(NAME), text, "{{", "}}")?.parse()
}

pub(super) fn parse_error(line: usize, message: String) -> TemplateError {
    TemplateError::Parse {
        name: None,
        line,
        col: 0,
        message,
    }
}

fn unknown_function(name: &str) -> String {
    let quoted = quote::double(name);
    match table::unsupported_reason(name) {
        Some(reason) => format!("function {quoted} of sprig is not in this oras: {reason}"),
        None => format!("function {quoted} not defined"),
    }
}

/// Limits the number of `else if` and `else with`: the parser recurses for each, without a limit.
fn check_else_branches(text: &str) -> Result<()> {
    let ends = text.split("else").skip(1).map(str::trim_start);
    let branches = ends.filter(|rest| rest.starts_with("if") || rest.starts_with("with"));
    limits::check(
        branches.count(),
        limits::MAX_ELSE_BRANCHES,
        "times else if and else with",
    )
    .map_err(TemplateError::Exec)
}

/// Checks that all blocks are closed, and no more than that: an action appended to the template
/// must be the last node of its body.
fn check_ends(text: &str) -> Result<()> {
    let (main, defines) = parse_tree(&format!("{text}\n{{{{0}}}}"))?;
    let ends_with_it = |list: &ListNode| match list.nodes.last() {
        Some(Node::Action(action)) => action.pos.offset >= text.len(),
        _ => false,
    };
    if ends_with_it(&main) {
        return Ok(());
    }
    let mut inner: Vec<&ListNode> = defines
        .iter()
        .map(|define| &define.body)
        .chain([&main])
        .collect();
    while let Some(list) = inner.pop() {
        if ends_with_it(list) {
            return Err(parse_error(
                1 + text.matches('\n').count(),
                "unexpected EOF".to_owned(),
            ));
        }
        if let Some(Node::If(branch) | Node::Range(branch) | Node::With(branch)) = list.nodes.last()
        {
            inner.extend(bodies(branch));
        }
    }
    Err(parse_error(
        main.nodes.last().map_or(1, line_of),
        "unexpected {{end}} or {{else}}".to_owned(),
    ))
}

fn bodies(branch: &BranchNode) -> impl Iterator<Item = &ListNode> {
    [&branch.body].into_iter().chain(&branch.else_body)
}

const fn line_of(node: &Node) -> usize {
    match node {
        Node::List(list) => list.pos.line,
        Node::Text(text) => text.pos.line,
        Node::Action(action) => action.pos.line,
        Node::If(branch) | Node::Range(branch) | Node::With(branch) => branch.pos.line,
        Node::Template(call) => call.pos.line,
        Node::Define(define) => define.pos.line,
        Node::Break(pos) | Node::Continue(pos) => pos.line,
    }
}

/// Checks and rewrites the nodes of a template.
#[derive(Default)]
struct Rewriter {
    /// Variables in scope.
    variables: Vec<SmolStr>,
    /// Number of enclosing loops.
    loops: usize,
    /// Errors with their positions.
    errors: Vec<(Pos, String)>,
}

impl Rewriter {
    fn list(&mut self, list: &mut ListNode) {
        for node in std::mem::take(&mut list.nodes) {
            let node = match node {
                Node::Action(mut action) => {
                    self.pipe(&mut action.pipe);
                    list.nodes.extend(take_mutation(&mut action.pipe));
                    if action.pipe.decl.is_empty() {
                        action.pipe.commands.push(step(action.pos, PRINTABLE));
                    }
                    Node::Action(action)
                }
                Node::If(branch) => Node::If(self.branch(branch, 0)),
                Node::With(branch) => Node::With(self.branch(branch, 0)),
                Node::Range(branch) => Node::Range(self.branch(branch, 1)),
                Node::Template(mut call) => {
                    let pipe = call.pipe.get_or_insert(PipeNode {
                        pos: call.pos,
                        decl: Vec::new(),
                        commands: Vec::new(),
                        is_assign: false,
                    });
                    self.pipe(pipe);
                    pipe.commands.push(step(call.pos, CHARGE_CALL));
                    Node::Template(call)
                }
                Node::Break(pos) => Node::Break(self.loop_exit(pos, "{{break}}")),
                Node::Continue(pos) => Node::Continue(self.loop_exit(pos, "{{continue}}")),
                other => other,
            };
            list.nodes.push(node);
        }
    }

    fn branch(&mut self, mut branch: BranchNode, loops: usize) -> BranchNode {
        let outside = self.variables.len();
        self.pipe(&mut branch.pipe);
        let inside = self.variables.len();
        self.loops += loops;
        self.list(&mut branch.body);
        self.loops -= loops;
        self.variables.truncate(inside);
        if let Some(body) = &mut branch.else_body {
            self.list(body);
        }
        self.variables.truncate(outside);
        branch
    }

    fn loop_exit(&mut self, pos: Pos, what: &str) -> Pos {
        if self.loops == 0 {
            self.errors
                .push((pos, format!("{what} outside {{{{range}}}}")));
        }
        pos
    }

    fn pipe(&mut self, pipe: &mut PipeNode) {
        for (index, command) in pipe.commands.iter_mut().enumerate() {
            call_method(command, index > 0);
            for arg in &mut command.args {
                self.expr(arg);
            }
        }
        for name in &pipe.decl {
            if pipe.is_assign {
                self.variable(pipe.pos, name);
            } else {
                self.variables.push(name.clone());
            }
        }
    }

    fn expr(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Pipe(_, pipe) => self.pipe(pipe),
            Expr::Chain(_, inner, _) => self.expr(inner),
            Expr::Variable(pos, name, _) => self.variable(*pos, name),
            Expr::Identifier(pos, name) if !table::is_defined(name) => {
                self.errors.push((*pos, unknown_function(name)));
            }
            _ => {}
        }
    }

    fn variable(&mut self, pos: Pos, name: &SmolStr) {
        if !self.variables.contains(name) {
            let name = quote::double(name);
            self.errors
                .push((pos, format!("undefined variable {name}")));
        }
    }
}

/// Replaces a field with arguments by a call of the function that implements the method.
fn call_method(command: &mut CommandNode, piped: bool) {
    if command.args.len() < 2 && !piped {
        return;
    }
    let first = &mut command.args[0];
    let pos = first.pos();
    let (Expr::Field(_, fields) | Expr::Variable(_, _, fields) | Expr::Chain(_, _, fields)) = first
    else {
        return;
    };
    let Some(method) = fields.last().map(|name| format!(".{name}")) else {
        return;
    };
    if table::is_defined(&method) {
        fields.pop();
        command.args.insert(0, Expr::Identifier(pos, method.into()));
    }
}

fn step(pos: Pos, name: &str) -> CommandNode {
    CommandNode {
        pos,
        args: vec![Expr::Identifier(pos, name.into())],
    }
}

/// Splits off an action that assigns the changed dictionary, if a pipe starts with a mutating
/// function.
fn take_mutation(pipe: &mut PipeNode) -> Option<Node> {
    let command = pipe.commands.first_mut()?;
    let [
        Expr::Identifier(_, function),
        Expr::Variable(pos, name, fields),
        ..,
    ] = &*command.args
    else {
        return None;
    };
    if !MUTATING.contains(&function.as_str()) || !fields.is_empty() {
        return None;
    }
    let (pos, decl) = (*pos, vec![name.clone()]);
    let changed = vec![Expr::Variable(pos, name.clone(), Vec::new())];
    let change = CommandNode {
        pos,
        args: std::mem::replace(&mut command.args, changed),
    };
    Some(Node::Action(ActionNode {
        pos,
        pipe: PipeNode {
            pos,
            decl,
            commands: vec![change],
            is_assign: true,
        },
    }))
}
