//! `hubgate repo import`, `repo adopt`, `repo restore`: repositories that already exist, here or elsewhere.

use std::fmt::Write;
use std::fs::File;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::cli::{AdoptRepo, ImportRepo, RestoreRepo};
use super::context::{Context, actor};
use super::directories::directory_of;
use super::failure::Failure;
use crate::access::Visibility;
use crate::commands::quota;
use crate::commands::repository::check_free;
use crate::db::{ChangeError, NewRepository, Removed, all};
use crate::git::import::{Source, without_password};
use crate::git::stored::{StoredRepository, foreign_format};
use crate::report::when::minute;
use crate::report::{Report, repo_json, state};
use crate::repository::large_files::OBJECTS;
use crate::repository::{CreateError, Directory, create_repository_with, large_files, open_repository};
use crate::tree::Tree;
use crate::word::counted;

/// How long a removed repository is kept, in seconds.
pub(super) const KEPT: i64 = 30 * 86_400;

/// `hubgate repo import`
pub(super) fn import(command: ImportRepo, mut context: Context) -> Result<Report, Failure> {
    let ImportRepo { path, source, public, description, allow_fsck } = command;
    check_free(&context.store.view(), &path)?;
    let git = context.config.paths.git.clone();
    // git leaves the user and the password out of its own messages (transport_anonymize_url).
    let from = without_password(&source);
    let bad = |error| Failure::Usage(format!("{from}: {error}"));
    let source: Source = source.parse().map_err(bad)?;
    let hint = source.directory.as_ref().map_or("", |_| "\nthe login account that serves must be able to read it");
    let failed = |reason: String| Failure::Refused(format!("{from}: {reason}{hint}"));
    let offer = source.offer(&context.config).map_err(failed)?;
    let object_format = offer.object_format.unwrap_or(context.config.git.object_format);
    let mut large_files = 0;
    let directory = create_repository_with(&context.config, object_format, |unfinished| {
        if offer.branches + offer.tags > 0 {
            StoredRepository::open(&context.config, unfinished, object_format)
                .and_then(|stored| source.fetch(&stored, &offer, &allow_fsck))
                .map_err(|reason| CreateError::Git(git.clone(), reason))?;
        }
        if let Some(tree) = source.tree(&context.config).map_err(|reason| CreateError::Git(git.clone(), reason))? {
            large_files = take_large_files(&tree, unfinished)?;
        }
        Ok(())
    });
    let directory = directory.map_err(|error| {
        let error = error.to_string();
        // git's words for an object that it does not accept (fetch-pack.c, index-pack.c).
        let is_fault = error.contains("fsck error");
        let next = if is_fault { "\nto import it in spite of that fault: --allow-fsck ID" } else { "" };
        Failure::Refused(format!("{from}: {error}{next}"))
    })?;
    let new = NewRepository {
        path,
        directory,
        visibility: if public { Visibility::Public } else { Visibility::Private },
        object_format,
        description: description.map(|text| text.to_string()).unwrap_or_default(),
        created_by: None,
    };
    let place = context.config.paths.repositories.join(new.directory.relative());
    let allowed = if allow_fsck.is_empty() { String::new() } else { format!(" --allow-fsck {}", allow_fsck.join(",")) };
    let noted = format!("{from}{allowed}");
    let import = |change: &crate::db::Change<'_>| change.enter_repository("repo.import", &new, Some(&noted));
    let row = context.change(import).inspect_err(|_| {
        let _ = std::fs::remove_dir_all(&place);
    })?;
    let missing = large_files::missing(&context.config, &place, object_format)
        .map_err(|error| Failure::Refused(format!("{}: {error}", row.path)))?;
    let mut text = format!(
        "imported {} ({}): {}, {}, {}\n",
        row.path,
        row.visibility,
        counted(offer.branches, "branch", "branches"),
        counted(offer.tags, "tag", "tags"),
        counted(large_files, "large file", "large files")
    );
    if offer.others > 0 {
        let _ = writeln!(text, "not imported: {} outside branches and tags", counted(offer.others, "ref", "refs"));
    }
    for (name, reason) in &offer.refused {
        let _ = writeln!(text, "not imported: {}: {reason}", name.escape_ascii());
    }
    if missing > 0 {
        let _ = writeln!(
            text,
            "{} missing: push them with git lfs push --all",
            counted(missing, "large file is", "large files are")
        );
    }
    let mut json = repo_json(&row);
    if let Value::Object(fields) = &mut json {
        let counts = [("branches", offer.branches), ("tags", offer.tags), ("refs_left", offer.others)];
        fields.extend(counts.map(|(name, count)| (name.to_owned(), json!(count))));
        let refused: Vec<String> = offer.refused.iter().map(|(name, _)| name.escape_ascii().to_string()).collect();
        fields.insert("refs_refused".to_owned(), json!(refused));
        fields.extend(
            [("large_files", large_files), ("large_files_missing", missing)].map(|(k, v)| (k.to_owned(), json!(v))),
        );
    }
    Ok(Report::new(text, json))
}

/// Copies the large files of a directory's repository, bare or not, each held against its name.
fn take_large_files(source: &Tree, unfinished: &Path) -> Result<usize, CreateError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| CreateError::File(path, error)
    };
    let shown = source.path().unwrap_or_default();
    // Without following links: the source may be a stranger's, and the links would lead to another repository's
    // objects.
    let find = |at| large_files::StoredObjects::find_in(source, at).map_err(failed(&shown));
    let (mut at, mut objects) = (OBJECTS, find(OBJECTS)?);
    if objects.len() == 0 {
        at = ".git/lfs/objects";
        objects = find(at)?;
    }
    for (oid, path) in objects.iter() {
        let file = &shown.join(at).join(&path);
        let copy = unfinished.join(OBJECTS).join(large_files::place(oid));
        let directory = copy.parent().unwrap_or(unfinished);
        std::fs::DirBuilder::new().recursive(true).mode(0o750).create(directory).map_err(failed(directory))?;
        let hash = objects.open(&path).and_then(|file| large_files::copy_hashed(file, &copy)).map_err(failed(file))?;
        if hash != oid.to_string() {
            let problem = format!("the large file is broken: its bytes are {hash}");
            return Err(CreateError::File(file.clone(), std::io::Error::other(problem)));
        }
    }
    Ok(objects.len())
}

/// `hubgate repo adopt`
pub(super) fn adopt(command: AdoptRepo, mut context: Context) -> Result<Report, Failure> {
    let AdoptRepo { directory: given, path } = command;
    check_free(&context.store.view(), &path)?;
    let root = context.config.paths.repositories.clone();
    let shown = given.display().to_string();
    let directory = adoptable(&root, &given).ok_or_else(|| {
        Failure::Usage(format!("{shown} is not a directory of a repository beneath {}", root.display()))
    })?;
    match context.store.view().repository_in(&directory)? {
        None => {}
        Some((row, None)) => return Err(Failure::Refused(format!("{shown} is the directory of {}", row.path))),
        Some((row, Some(_))) => {
            let next = format!("hubgate repo restore {} --id {}", row.path, directory.id());
            return Err(Failure::Refused(format!(
                "{shown} is the directory of {}, which was removed: {next}",
                row.path
            )));
        }
    }
    let opened = open_repository(&root, &directory).map_err(|error| Failure::Refused(error.to_string()))?;
    let owner = File::from(opened).metadata().map_err(|error| Failure::File(shown.clone(), error))?;
    if owner.uid() != nix::unistd::geteuid().as_raw() {
        return Err(Failure::Refused(format!(
            "{shown} belongs to uid {}: give it to the login account that serves first",
            owner.uid()
        )));
    }
    let place = root.join(directory.relative());
    let refused = |reason| Failure::Refused(format!("{shown}: {reason}"));
    let object_format = foreign_format(&context.config.paths.git, &place).map_err(refused)?;
    let stored = StoredRepository::open(&context.config, &place, object_format);
    let checked = stored.and_then(|stored| {
        stored.check()?;
        // Its HEAD was chosen where it comes from.
        stored.mark_head().map_err(|error| error.to_string())
    });
    checked.map_err(refused)?;
    let new = NewRepository {
        path,
        directory,
        visibility: Visibility::Private,
        object_format,
        description: String::new(),
        created_by: None,
    };
    let row = context.change(|change| change.enter_repository("repo.adopt", &new, None))?;
    Ok(Report::new(format!("adopted {} ({})\n", row.path, row.visibility), repo_json(&row)))
}

/// The directory that is meant, if it is one of the root's.
fn adoptable(root: &Path, given: &Path) -> Option<Directory> {
    let id = given.to_str().and_then(|id| id.parse().ok());
    let directory = id.or_else(|| directory_of(given))?;
    let place = root.join(directory.relative());
    let same = |path: &Path| path.symlink_metadata().map(|file| (file.dev(), file.ino())).ok();
    let is_given = given.to_str() == Some(directory.id()) || same(given) == same(&place);
    (same(&place).is_some() && is_given).then_some(directory)
}

/// `hubgate repo restore`
pub(super) fn restore(command: RestoreRepo, mut context: Context) -> Result<Report, Failure> {
    let RestoreRepo { path, id, new_path } = command;
    let mut found = context.store.view().removed_from(&path)?;
    found.retain(|removed| id.as_ref().is_none_or(|id| removed.row.directory == *id));
    if found.len() > 1 {
        let mut text = format!("{} repositories {path} were removed: name one by its directory", found.len());
        for Removed { row, removed_at } in &found {
            let _ = write!(text, "\n--id {}, removed {}", row.directory.id(), minute(Some(*removed_at)));
        }
        return Err(Failure::Refused(text));
    }
    let Some(Removed { row, .. }) = found.pop() else {
        return Err(Failure::Refused(format!("no repository {path} was removed: hubgate repo list --removed")));
    };
    let place = context.config.paths.repositories.join(row.directory.relative());
    if !place.join("HEAD").is_file() {
        return Err(Failure::Refused(format!("the directory of {} is gone: {}", row.path, place.display())));
    }
    let wanted = new_path.clone().unwrap_or_else(|| row.path.clone());
    let back = context.change(|change| change.restore_repository(row.id, &wanted));
    let row = match (back, new_path) {
        (Err(error @ (ChangeError::Conflict(_) | ChangeError::NotFound(_))), None) => {
            return Err(Failure::Refused(format!("{error}\nto restore it elsewhere: --as PATH")));
        }
        (back, _) => back?,
    };
    Ok(Report::new(format!("restored {} ({})\n", row.path, state(&row)), repo_json(&row)))
}

/// Deletes for good what was removed long enough ago. Returns the directories, each with why it could not be deleted.
pub(super) fn purge(context: &mut Context, now: i64) -> Result<Vec<(PathBuf, Option<String>)>, Failure> {
    let root = context.config.paths.repositories.clone();
    let mut deleted = Vec::new();
    for removed in all(|each| context.store.view().removed_repositories(None, each))? {
        let place = root.join(removed.row.directory.relative());
        if removed.removed_at + KEPT > now || place.symlink_metadata().is_err() {
            continue;
        }
        // Out of its place first: half a repository never lies there.
        let unfinished = root.join(format!(".new-{}", removed.row.directory.id()));
        context.store.change(&actor(), |change| change.note_purge(&removed))?;
        let done = std::fs::rename(&place, &unfinished).and_then(|()| std::fs::remove_dir_all(&unfinished));
        let _ = std::fs::remove_file(context.config.gc_dir().join(removed.row.directory.id()));
        quota::forget(&context.config, &removed.row)?;
        deleted.push((place, done.err().map(|error| error.to_string())));
    }
    Ok(deleted)
}
