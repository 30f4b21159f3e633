//! What a stored repository says about proposals: their commits, and whether their branches contain these.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::StoredRepository;
use crate::child::{Limits, Terminal};
use crate::git::output_for;
use crate::push::{BranchName, ProposalNumber};
use crate::sandbox::Plan;

/// What git may take for the proposals of one branch.
const ASKING: Limits = Limits { time: Duration::from_secs(60), output: 1 << 20, terminal: Terminal::Closed };

impl StoredRepository<'_> {
    /// The commit of each proposal that has one, and whether the branch that it is for contains the commit.
    ///
    /// # Errors
    /// git's message.
    pub fn proposals(
        &self,
        proposals: &[(ProposalNumber, BranchName)],
    ) -> Result<HashMap<ProposalNumber, (String, bool)>, String> {
        self.confined(Plan::fetch(&[&self.config.paths.git]), || {
            let refs = |text: String, (number, branch): &(ProposalNumber, BranchName)| {
                text + &number.ref_name() + "\n" + &branch.ref_name() + "\n"
            };
            let mut command = self.command(&["cat-file", "--batch-check=%(objectname) %(objecttype)"]);
            let said = output_for(&mut command, ASKING, proposals.iter().fold(String::new(), refs).as_bytes())?;
            let said = String::from_utf8_lossy(&said);
            // A ref that does not exist is `missing`.
            let commits = said.lines().map(|line| line.strip_suffix(" commit"));
            let commits: Vec<Option<&str>> = commits.collect();
            let mut found = HashMap::new();
            let mut by_branch: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for ((number, branch), pair) in proposals.iter().zip(commits.chunks(2)) {
                let [commit, tip] = pair else { return Err("git gave no answer for a ref".to_owned()) };
                if let Some(commit) = commit {
                    found.insert(*number, ((*commit).to_owned(), false));
                    if tip.is_some() {
                        by_branch.entry(branch.ref_name()).or_default().push(number.ref_name());
                    }
                }
            }
            for (branch, names) in &by_branch {
                let merged = format!("--merged={branch}");
                let mut words = vec!["for-each-ref", &merged, "--format=%(refname:lstrip=2)"];
                words.extend(names.iter().map(String::as_str));
                let said = output_for(&mut self.command(&words), ASKING, b"")?;
                for number in String::from_utf8_lossy(&said).lines().filter_map(|line| line.parse().ok()) {
                    found.entry(number).and_modify(|(_, is_merged)| *is_merged = true);
                }
            }
            Ok(found)
        })
    }
}
