//! Teams in the file.

use super::hub::{Hub, PRUNING, READING, owner};
use crate::access::Role;
use crate::db::OwnerKind;

#[test]
fn teams_their_members_and_their_roles_are_as_the_file_says() {
    let mut hub = Hub::small();
    let lines = hub.applied(
        r#"
        [organizations.acme]
        members = { Bob = "no_access", carol = "no_access" }
        teams.devs = ["bob", { user = "carol", until = 2100-01-01 }]
        teams.none = []
        [repositories."acme/x"]
        visibility = "private"
        collaborators = { "@ACME/devs" = "write" }
        rules = ["deny delete ** @acme/devs"]
        "#,
        READING,
    );
    let expected = [
        "+ acme: member Bob: no_access",
        "+ acme: member carol: no_access",
        "+ team @acme/devs",
        "+ @acme/devs: user bob: member",
        "+ @acme/devs: user carol: member until 2100-01-02T00:00:00Z",
        "+ team @acme/none",
        "+ acme/x: collaborator @ACME/devs: write",
        "+ acme/x: rule 1: deny delete ** @acme/devs",
        "Bob gains: none -> write on acme/x",
        "carol gains: none -> write on acme/x",
        "made 8 changes",
    ];
    assert_eq!(lines, expected);
    assert!(hub.export().contains("teams.devs = [\"Bob\", { user = \"carol\", until = 2100-01-02T00:00:00Z }]\n"));
    let lines = hub.applied("[organizations.acme]\nteams.DEVS = [\"carol\"]", READING);
    let change = "~ @acme/devs: user carol: member until 2100-01-02T00:00:00Z -> member";
    assert_eq!(lines, [change, "made 1 change"], "who is not mentioned stays");
    // Who enters or leaves a team, and whose team gets another role, in one step.
    let file = |teams: &str, role: &str| {
        format!(
            "[organizations.acme]\nmembers = {{ alice = \"admin\", Bob = \"no_access\", carol = \"read\" }}\n{teams}\n\
             [repositories.\"acme/x\"]\ncollaborators = {{ {role} }}\n"
        )
    };
    let lines = hub.applied(&file("teams.devs = [\"bob\"]", "\"@acme/devs\" = \"read\""), PRUNING);
    let expected = [
        "- @acme/devs: user carol: member",
        "~ acme: member carol: no_access -> read",
        "~ acme/x: collaborator @acme/devs: write -> read",
        "- acme/x: rule 1: deny delete ** @acme/devs",
        "- team @acme/none",
        "Bob loses: write -> fetch on acme/x",
        "carol loses: write -> fetch on acme/x",
        "made 5 changes",
    ];
    assert_eq!(lines, expected);
    // A team that is removed can have no role, and no rule can name it.
    let missing = "[repositories.\"acme/x\"]: there is no team acme/devs";
    assert_eq!(hub.refusal(&file("", "\"@acme/devs\" = \"read\""), PRUNING), missing);
    let with_rule = file("", "") + "rules = [\"deny delete ** @acme/devs\"]";
    assert!(hub.refusal(&with_rule, PRUNING).starts_with("[organizations.acme]: rules of acme/x name the team"));
    let planned = hub.plan(&file("", ""), PRUNING).unwrap();
    assert_eq!(planned.question().unwrap(), "Remove @acme/devs from the hub?");
    let lines = hub.applied(&file("", ""), PRUNING);
    let expected = [
        "- acme/x: collaborator @acme/devs: read",
        "- team @acme/devs",
        "Bob loses: fetch -> none on acme/x",
        "made 2 changes",
    ];
    assert_eq!(lines, expected);
    for (file, sentence) in [
        (
            "[organizations.acme]\nmembers = { Bob = \"read\" }\nteams.ops = [\"dave\"]",
            "[organizations.acme]: there is no user dave",
        ),
        (
            "[organizations.new]\nmembers = { alice = \"admin\" }\nteams.ops = [\"carol\"]",
            "[organizations.new]: carol is not a member of new: first give a role with: org member set new carol no_access",
        ),
        (
            "[repositories.\"alice/x\"]\nvisibility = \"private\"\ncollaborators = { \"@acme/ops\" = \"read\" }",
            "[repositories.\"alice/x\"]: only teams of the organization that owns alice/x can have a role there",
        ),
    ] {
        assert_eq!(hub.refusal(file, READING), sentence, "{file}");
    }
}

#[test]
fn a_plan_says_what_teams_give_and_take() {
    let mut hub = Hub::small();
    hub.applied(
        "[organizations.acme]\nmembers = { Bob = \"no_access\", carol = \"no_access\" }\nteams.devs = [\"Bob\"]\n\
         [repositories.\"acme/x\"]\ncollaborators = { \"@acme/devs\" = \"write\", carol = \"read\" }\n\
         [repositories.\"acme/y\"]\nvisibility = \"private\"\ncollaborators = { carol = \"read\" }",
        READING,
    );
    let acme = "[organizations.acme]\nmembers = { alice = \"admin\", Bob = \"no_access\", carol = \"no_access\" }\n";
    let x = "[repositories.\"acme/x\"]\ncollaborators = { \"@acme/devs\" = \"write\", carol = \"read\" }\n";
    let y = "[repositories.\"acme/y\"]\ncollaborators = { carol = \"read\" }\n";
    for (file, said) in [
        // Who enters a team gains what the team has.
        (
            format!("{acme}teams.devs = [\"Bob\", \"carol\"]\n{x}{y}"),
            &["+ @acme/devs: user carol: member", "carol gains: fetch -> write on acme/x"][..],
        ),
        (
            format!("{acme}teams.devs = [\"Bob\"]\n{x}{y}"),
            &["- @acme/devs: user carol: member", "carol loses: write -> fetch on acme/x"],
        ),
        // Who had a role before gains the rest.
        (
            format!(
                "{acme}teams.devs = [\"Bob\", \"carol\"]\n{x}{}",
                y.replace("{ ", "{ \"@acme/devs\" = \"write\", ")
            ),
            &[
                "+ @acme/devs: user carol: member",
                "+ acme/y: collaborator @acme/devs: write",
                "Bob gains: none -> write on acme/y",
                "carol gains: fetch -> write on acme/x, acme/y",
            ],
        ),
        // A removed repository is lost to teams too.
        (
            format!("{acme}teams.devs = [\"Bob\", \"carol\"]\n{x}"),
            &[
                "- repository acme/y: private",
                "Bob loses: write -> none on acme/y",
                "alice loses: admin -> none on acme/y",
                "carol loses: write -> none on acme/y",
            ],
        ),
    ] {
        let lines = hub.applied(&file, PRUNING);
        let (_, changes) = lines.split_last().unwrap();
        assert_eq!(changes, said, "{file}");
    }
}

#[test]
fn who_leaves_an_organization_leaves_its_teams_and_a_membership_that_has_ended_is_none() {
    let mut hub = Hub::small();
    let team = || "acme/devs".parse().unwrap();
    hub.change(|change| {
        change.add_team(&team())?;
        for user in ["Bob", "carol"] {
            change.set_member(&owner("acme"), &owner(user), Role::NoAccess, None)?;
            change.add_team_member(&team(), &owner(user), None)?;
        }
        change.add_team_member(&team(), &owner("carol"), Some(86_400))?;
        // The role in the organization has ended, and not the membership of its team.
        change.add_owner(OwnerKind::User, &owner("dave"), true)?;
        change.set_member(&owner("acme"), &owner("dave"), Role::Read, None)?;
        change.add_team_member(&team(), &owner("dave"), None)?;
        change.set_member(&owner("acme"), &owner("dave"), Role::Read, Some(86_400))
    })
    .unwrap();
    let text = hub.export();
    assert!(text.contains("teams.devs = [\"Bob\"]\n"), "{text}");
    assert_eq!(hub.applied(&text, PRUNING), ["nothing to change"]);
    let acme = "[organizations.acme]\nmembers = { alice = \"admin\" }\n";
    let both = format!("{acme}teams.devs = [\"Bob\"]\n[repositories.\"acme/x\"]\n");
    let refusal = hub.refusal(&both, PRUNING);
    assert!(refusal.starts_with("[organizations.acme]: Bob is not a member of acme"), "{refusal}");
    // A membership that has ended in the file asks for nothing.
    let over = "teams.devs = [{ user = \"Bob\", until = 2001-01-01 }]";
    let lines = hub.applied(&format!("{acme}{over}\n[repositories.\"acme/x\"]\n"), PRUNING);
    let expected = [
        "- @acme/devs: user Bob: member",
        "- acme: member Bob: no_access",
        "- acme: member carol: no_access",
        "made 3 changes",
    ];
    assert_eq!(lines, expected);
}
