# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_hubgate_global_optspecs
    string join \n config= json h/help V/version
end

function __fish_hubgate_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_hubgate_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_hubgate_using_subcommand
    set -l cmd (__fish_hubgate_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c hubgate -n "__fish_hubgate_needs_command" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_needs_command" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_needs_command" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "init" -d 'Create the configuration file, the login accounts, the directories and the database, if they are missing'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "migrate" -d 'Update the database to this version of hubgate, and keep a copy of the old one beside it'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "demo" -d 'Try hubgate on this machine, with a temporary hub and sshd on 127.0.0.1'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "doctor" -d 'Check this machine'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "sshd-config" -d 'Print the configuration block that this machine\'s sshd needs'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "host-keys" -d 'Print the host keys of the sshd that serves the hub, by which clients recognize it'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "guide" -d 'Print a page for the people who use the hub: how to make a key, add it, test it and use git with it'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "stats" -d 'Print the numbers of the hub: accounts, keys, repositories, bytes, sessions, refusals, last backup, findings'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "user" -d 'Accounts of people and machines'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "org" -d 'Organizations and their members'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "team" -d 'Teams: groups of members of an organization, which can have roles on its repositories'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "key" -d 'Public keys on accounts'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "repo" -d 'Repositories'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "check" -d 'Checks of the content of pushes: large files, LFS pointers, directories, authors'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "rule" -d 'Rules for refs: who may create, update, rewrite and delete which branches and tags'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "allowed-signers" -d 'Print the keys of the accounts that may write, as a file for git\'s gpg.ssh.allowedSignersFile'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "proposal" -d 'Proposals: commits for a branch, from accounts that may fetch'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "owner" -d 'Quotas of users and organizations'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "quota" -d 'What is counted against quotas'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "deploy-key" -d 'Keys that open one repository, for machines'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "access" -d 'Requests to pass the gate of a repository'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "session" -d 'Running sessions of clients'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "invite" -d 'Print a one-time code'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "lfs" -d 'Large files'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "lock" -d 'Locks of large files'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "explain" -d 'Explain why a command would be allowed (status 0) or denied (status 1)'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "policy" -d 'Compare expectations with what the hub would decide'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "backup" -d 'Copy the database to a file as one consistent state, and list its repositories with the ids of their directories'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "restore" -d 'Replace the database with a copy that `backup` wrote'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "kept" -d 'Copies of the database that `restore` and `migrate` kept beside it'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "export" -d 'Print accounts, keys, organizations, repositories and grants as JSON, without secrets and invitations'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "plan" -d 'Print what `apply` would change, and who would gain or lose what'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "apply" -d 'Change the hub so that it is as a file says'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "import" -d 'Import accounts, keys and grants from another git server'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "audit" -d 'Show changes, with their time and author, and the sessions and pushes of the system log'
complete -c hubgate -n "__fish_hubgate_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand init" -l host -d 'The host name or IP address that clients use. Without it, init asks on a terminal' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand init" -l login -d 'The login account of the hub. If it does not exist, it is created. Default: git' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand init" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand init" -l yes -d 'Do not ask for confirmation. Required without a terminal'
complete -c hubgate -n "__fish_hubgate_using_subcommand init" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand init" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand migrate" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand migrate" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand migrate" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand migrate" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand demo" -l dir -d 'The directory for all files. Default: a new one, /var/lib/hubgate-demo-XXXX' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand demo" -l port -d 'The port on 127.0.0.1' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand demo" -l login -d 'The login account. If it does not exist, it is created, and removed at the end' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand demo" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand demo" -l once -d 'End after one round trip instead of waiting for Ctrl-C. The status is 0 only if every step worked'
complete -c hubgate -n "__fish_hubgate_using_subcommand demo" -l keep -d 'Keep the directory'
complete -c hubgate -n "__fish_hubgate_using_subcommand demo" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand demo" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand demo" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand doctor" -l sshd-config -d 'The configuration file of sshd. Default: `/etc/ssh/hubgate_sshd_config` if it exists, otherwise `/etc/ssh/sshd_config`' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand doctor" -l temporary-account -d 'Used by --login, in a second process: the name and the key of the temporary account' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand doctor" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand doctor" -l login -d 'Also log in over loopback, with a temporary account and key. Two rows of the audit table stay'
complete -c hubgate -n "__fish_hubgate_using_subcommand doctor" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand doctor" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand sshd-config" -l sshd-config -d 'The configuration file of sshd' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand sshd-config" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand sshd-config" -l check -d 'Check with sshd -t, and with sshd -T for the login account, that sshd reads the block correctly'
complete -c hubgate -n "__fish_hubgate_using_subcommand sshd-config" -l install -d 'Write the block to sshd_config.d/50-hubgate.conf. If sshd would not serve the hub with it, restore the old file'
complete -c hubgate -n "__fish_hubgate_using_subcommand sshd-config" -l remove -d 'Remove what `--install` wrote'
complete -c hubgate -n "__fish_hubgate_using_subcommand sshd-config" -l standalone -d 'Print, write, check or remove the whole configuration of an sshd that serves hubgate and nothing else'
complete -c hubgate -n "__fish_hubgate_using_subcommand sshd-config" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand sshd-config" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand sshd-config" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand host-keys" -l sshd-config -d 'The configuration file of sshd. Default: `/etc/ssh/hubgate_sshd_config` if it exists, otherwise `/etc/ssh/sshd_config`' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand host-keys" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand host-keys" -l known-hosts -d 'Print lines for `known_hosts`, with the host name and the port of the configuration'
complete -c hubgate -n "__fish_hubgate_using_subcommand host-keys" -l sshfp -d 'Print SSHFP records for the DNS zone of the host. ssh uses them if `VerifyHostKeyDNS` is set and the zone is signed'
complete -c hubgate -n "__fish_hubgate_using_subcommand host-keys" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand host-keys" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand host-keys" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand guide" -l sshd-config -d 'The configuration file of sshd. Default: `/etc/ssh/hubgate_sshd_config` if it exists, otherwise `/etc/ssh/sshd_config`' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand guide" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand guide" -l html -d 'Print HTML. This is the default'
complete -c hubgate -n "__fish_hubgate_using_subcommand guide" -l markdown -d 'Print Markdown with the same content'
complete -c hubgate -n "__fish_hubgate_using_subcommand guide" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand guide" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand guide" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand stats" -l log -d 'Count the sessions of this log file, also if it was rotated to FILE.1. Default: the journal' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand stats" -l sshd-config -d 'The configuration file of sshd. Default: `/etc/ssh/hubgate_sshd_config` if it exists, otherwise `/etc/ssh/sshd_config`' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand stats" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand stats" -l prometheus -d 'Print the numbers as Prometheus reads them. The status is then 0 even if the database cannot be read; `hubgate_database_up` says so'
complete -c hubgate -n "__fish_hubgate_using_subcommand stats" -l measure -d 'Measure the repositories whose bytes were not counted since the last start of the machine, or have changed. This reads the directories of these repositories'
complete -c hubgate -n "__fish_hubgate_using_subcommand stats" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand stats" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand stats" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and not __fish_seen_subcommand_from add list show rename disable enable remove release email help" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and not __fish_seen_subcommand_from add list show rename disable enable remove release email help" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and not __fish_seen_subcommand_from add list show rename disable enable remove release email help" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and not __fish_seen_subcommand_from add list show rename disable enable remove release email help" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and not __fish_seen_subcommand_from add list show rename disable enable remove release email help" -f -a "add" -d 'Add an account'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and not __fish_seen_subcommand_from add list show rename disable enable remove release email help" -f -a "list" -d 'List the accounts'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and not __fish_seen_subcommand_from add list show rename disable enable remove release email help" -f -a "show" -d 'Show one account'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and not __fish_seen_subcommand_from add list show rename disable enable remove release email help" -f -a "rename" -d 'Change the name of an account'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and not __fish_seen_subcommand_from add list show rename disable enable remove release email help" -f -a "disable" -d 'Disable an account'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and not __fish_seen_subcommand_from add list show rename disable enable remove release email help" -f -a "enable" -d 'Enable a disabled account'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and not __fish_seen_subcommand_from add list show rename disable enable remove release email help" -f -a "remove" -d 'Remove an account'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and not __fish_seen_subcommand_from add list show rename disable enable remove release email help" -f -a "release" -d 'Free the name of an account that was renamed or removed'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and not __fish_seen_subcommand_from add list show rename disable enable remove release email help" -f -a "email" -d 'E-mail addresses of accounts, by which signed commits name them'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and not __fish_seen_subcommand_from add list show rename disable enable remove release email help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from add" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from add" -l no-create -d 'The account may not create repositories'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from add" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from add" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from list" -l limit -d 'Show at most so many rows. Default: 1000 on a terminal, otherwise all' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from list" -l after -d 'Begin behind this row, as the end of a list that was cut says' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from list" -l match -d 'Show only rows with this text in a column, in upper or lower case' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from list" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from list" -l wide -d 'Show every column whole, also on a terminal. Without this option, a terminal gets columns of at most 80 characters in all'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from list" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from show" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from show" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from rename" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from rename" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from rename" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from rename" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from disable" -l reason -d 'The reason' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from disable" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from disable" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from disable" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from disable" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from enable" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from enable" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from enable" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from enable" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from remove" -l transfer-to -d 'The owner that receives its repositories' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from remove" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from remove" -l yes -d 'Do not ask for confirmation. Required without a terminal'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from remove" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from remove" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from release" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from release" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from release" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from release" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from email" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from email" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from email" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from email" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from email" -f -a "add" -d 'Give an account an e-mail address, or confirm one that the account claims'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from email" -f -a "remove" -d 'Remove an e-mail address from an account'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from email" -f -a "list" -d 'List the e-mail addresses of one account, or of all'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from email" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add an account'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the accounts'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show one account'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from help" -f -a "rename" -d 'Change the name of an account'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from help" -f -a "disable" -d 'Disable an account'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from help" -f -a "enable" -d 'Enable a disabled account'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove an account'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from help" -f -a "release" -d 'Free the name of an account that was renamed or removed'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from help" -f -a "email" -d 'E-mail addresses of accounts, by which signed commits name them'
complete -c hubgate -n "__fish_hubgate_using_subcommand user; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and not __fish_seen_subcommand_from add list show rename remove member ca help" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and not __fish_seen_subcommand_from add list show rename remove member ca help" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and not __fish_seen_subcommand_from add list show rename remove member ca help" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and not __fish_seen_subcommand_from add list show rename remove member ca help" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and not __fish_seen_subcommand_from add list show rename remove member ca help" -f -a "add" -d 'Add an organization'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and not __fish_seen_subcommand_from add list show rename remove member ca help" -f -a "list" -d 'List the organizations'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and not __fish_seen_subcommand_from add list show rename remove member ca help" -f -a "show" -d 'Show one organization and its members'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and not __fish_seen_subcommand_from add list show rename remove member ca help" -f -a "rename" -d 'Change the name of an organization'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and not __fish_seen_subcommand_from add list show rename remove member ca help" -f -a "remove" -d 'Remove an organization that owns no repositories'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and not __fish_seen_subcommand_from add list show rename remove member ca help" -f -a "member" -d 'Members of an organization'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and not __fish_seen_subcommand_from add list show rename remove member ca help" -f -a "ca" -d 'Certificate authorities, whose certificates open the organization\'s repositories'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and not __fish_seen_subcommand_from add list show rename remove member ca help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from add" -l admin -d 'The first administrator' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from add" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from add" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from add" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from list" -l limit -d 'Show at most so many rows. Default: 1000 on a terminal, otherwise all' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from list" -l after -d 'Begin behind this row, as the end of a list that was cut says' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from list" -l match -d 'Show only rows with this text in a column, in upper or lower case' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from list" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from list" -l wide -d 'Show every column whole, also on a terminal. Without this option, a terminal gets columns of at most 80 characters in all'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from list" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from show" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from show" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from rename" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from rename" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from rename" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from rename" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from remove" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from remove" -l yes -d 'Do not ask for confirmation. Required without a terminal'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from remove" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from remove" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from member" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from member" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from member" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from member" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from member" -f -a "list" -d 'List the members of one organization, or of all'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from member" -f -a "set" -d 'Give a user a role in an organization'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from member" -f -a "remove" -d 'Remove a user from an organization'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from member" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from ca" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from ca" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from ca" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from ca" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from ca" -f -a "add" -d 'Let an organization sign certificates for its members'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from ca" -f -a "list" -d 'List the authorities of one organization, or of all'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from ca" -f -a "revoke" -d 'Revoke certificates, by serial number or key id'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from ca" -f -a "remove" -d 'Remove an authority'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from ca" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add an organization'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the organizations'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show one organization and its members'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from help" -f -a "rename" -d 'Change the name of an organization'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove an organization that owns no repositories'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from help" -f -a "member" -d 'Members of an organization'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from help" -f -a "ca" -d 'Certificate authorities, whose certificates open the organization\'s repositories'
complete -c hubgate -n "__fish_hubgate_using_subcommand org; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and not __fish_seen_subcommand_from add list show rename remove member help" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and not __fish_seen_subcommand_from add list show rename remove member help" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and not __fish_seen_subcommand_from add list show rename remove member help" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and not __fish_seen_subcommand_from add list show rename remove member help" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and not __fish_seen_subcommand_from add list show rename remove member help" -f -a "add" -d 'Add a team to an organization'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and not __fish_seen_subcommand_from add list show rename remove member help" -f -a "list" -d 'List the teams of an organization'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and not __fish_seen_subcommand_from add list show rename remove member help" -f -a "show" -d 'Show a team, its members and its roles on repositories'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and not __fish_seen_subcommand_from add list show rename remove member help" -f -a "rename" -d 'Change the name of a team. It keeps its members and its roles'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and not __fish_seen_subcommand_from add list show rename remove member help" -f -a "remove" -d 'Remove a team. Its members lose the roles that it gave them'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and not __fish_seen_subcommand_from add list show rename remove member help" -f -a "member" -d 'Members of a team'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and not __fish_seen_subcommand_from add list show rename remove member help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from add" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from add" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from add" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from list" -l limit -d 'Show at most so many rows. Default: 1000 on a terminal, otherwise all' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from list" -l after -d 'Begin behind this row, as the end of a list that was cut says' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from list" -l match -d 'Show only rows with this text in a column, in upper or lower case' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from list" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from list" -l wide -d 'Show every column whole, also on a terminal. Without this option, a terminal gets columns of at most 80 characters in all'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from list" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from show" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from show" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from rename" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from rename" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from rename" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from rename" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from remove" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from remove" -l yes -d 'Do not ask for confirmation. Required without a terminal'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from remove" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from remove" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from member" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from member" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from member" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from member" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from member" -f -a "list" -d 'List the members of one team, or of all'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from member" -f -a "add" -d 'Add a member of the organization to a team, or change when the membership ends'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from member" -f -a "remove" -d 'Remove a user from a team'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from member" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add a team to an organization'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the teams of an organization'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show a team, its members and its roles on repositories'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from help" -f -a "rename" -d 'Change the name of a team. It keeps its members and its roles'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove a team. Its members lose the roles that it gave them'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from help" -f -a "member" -d 'Members of a team'
complete -c hubgate -n "__fish_hubgate_using_subcommand team; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and not __fish_seen_subcommand_from add list show rename remove find help" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and not __fish_seen_subcommand_from add list show rename remove find help" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and not __fish_seen_subcommand_from add list show rename remove find help" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and not __fish_seen_subcommand_from add list show rename remove find help" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and not __fish_seen_subcommand_from add list show rename remove find help" -f -a "add" -d 'Add a public key to an account'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and not __fish_seen_subcommand_from add list show rename remove find help" -f -a "list" -d 'List the keys of one account, or of all'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and not __fish_seen_subcommand_from add list show rename remove find help" -f -a "show" -d 'Show one key'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and not __fish_seen_subcommand_from add list show rename remove find help" -f -a "rename" -d 'Change the title of a key'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and not __fish_seen_subcommand_from add list show rename remove find help" -f -a "remove" -d 'Remove a key from its account'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and not __fish_seen_subcommand_from add list show rename remove find help" -f -a "find" -d 'Show the account or repository that a key is on'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and not __fish_seen_subcommand_from add list show rename remove find help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from add" -l title -d 'The title. Default: the key\'s comment, or else its type and fingerprint' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from add" -l scope -d 'What the key may be used for. Default: `write`. Over SSH, at most the scope of the key in use' -r -f -a "read\t''
write\t''"
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from add" -l expires -d 'When the key expires: a duration such as 90d, or the last day as YYYY-MM-DD' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from add" -l from -d 'The addresses from which the key may be used: networks such as 192.0.2.0/24, separated by commas' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from add" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from add" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from add" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from list" -l expiring -d 'Show only what expires within this time: a duration such as 14d, or until the end of a day as YYYY-MM-DD' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from list" -l limit -d 'Show at most so many rows. Default: 1000 on a terminal, otherwise all' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from list" -l after -d 'Begin behind this row, as the end of a list that was cut says' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from list" -l match -d 'Show only rows with this text in a column, in upper or lower case' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from list" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from list" -l wide -d 'Show every column whole, also on a terminal. Without this option, a terminal gets columns of at most 80 characters in all'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from list" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from show" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from show" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from rename" -l user -d 'The account of the key. Required if the key is named by its title' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from rename" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from rename" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from rename" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from rename" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from remove" -l user -d 'The account of the key. Required if the key is named by its title' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from remove" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from remove" -l compromised -d 'Reject the key for ever, because another person may have the private key'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from remove" -l yes -d 'Do not ask for confirmation. Required without a terminal'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from remove" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from remove" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from find" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from find" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from find" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from find" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add a public key to an account'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the keys of one account, or of all'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show one key'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "rename" -d 'Change the title of a key'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove a key from its account'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "find" -d 'Show the account or repository that a key is on'
complete -c hubgate -n "__fish_hubgate_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -f -a "create" -d 'Create an empty repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -f -a "list" -d 'List the repositories of one owner, or all'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -f -a "show" -d 'Show one repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -f -a "rename" -d 'Change the name or the owner of a repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -f -a "visibility" -d 'Show a repository to everyone or to the accounts of this hub, or hide it'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -f -a "describe" -d 'Say what a repository is about'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -f -a "default-branch" -d 'Show the branch that a clone checks out, or choose it'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -f -a "proposals" -d 'Accept proposals from accounts that may fetch, or accept none'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -f -a "protect" -d 'Protect branches: they cannot be rewritten or deleted'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -f -a "unprotect" -d 'End the protection of branches'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -f -a "gate" -d 'Put a gate before a repository, or remove it with `none`'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -f -a "freeze" -d 'Reject pushes to a repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -f -a "unfreeze" -d 'Accept pushes to a frozen repository again'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -f -a "collaborator" -d 'Users and teams that were granted a role on one repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -f -a "remove" -d 'Remove a repository from the hub'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -f -a "restore" -d 'Restore a repository that was removed, with all grants on it'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -f -a "import" -d 'Import a repository from elsewhere: its branches, its tags and, from a directory, its large files'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -f -a "adopt" -d 'Adopt a directory that has no row in the database, as a private repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -f -a "path" -d 'Print the directory of a repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -f -a "check" -d 'Check that every repository has its directory, and every directory its repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -f -a "quota" -d 'Show how much a repository stores in git and LFS objects, or set its quota'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -f -a "gc" -d 'Pack repositories, and remove what interrupted pushes left behind'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and not __fish_seen_subcommand_from create list show rename visibility describe default-branch proposals protect unprotect gate freeze unfreeze collaborator remove restore import adopt path check quota gc help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from create" -l gated -d 'Put a gate before the repository. Requests to fetch are accepted at once (auto) or by an administrator (manual)' -r -f -a "none\t''
auto\t''
manual\t''"
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from create" -l description -d 'What the repository is about' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from create" -l object-format -d 'The hash that names objects. Default: the setting `[git] object_format`' -r -f -a "sha1\t''
sha256\t''"
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from create" -l created-by -d 'The user who counts as its creator. If this user is a contributor of the organization, they may push to it' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from create" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from create" -l private -d 'Hide the repository from everyone who was not granted access'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from create" -l internal -d 'Show the repository to the accounts of this hub, and to nobody else'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from create" -l gate-members -d 'Members with the role `read` must request access too'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from create" -l proposals -d 'Accept proposals from accounts that may fetch. Default: the setting `[access] proposals`'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from create" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from create" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from list" -l reachable -d 'List what this user may fetch as owner, member or collaborator, and with which access' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from list" -l limit -d 'Show at most so many rows. Default: 1000 on a terminal, otherwise all' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from list" -l after -d 'Begin behind this row, as the end of a list that was cut says' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from list" -l match -d 'Show only rows with this text in a column, in upper or lower case' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from list" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from list" -l removed -d 'List the removed repositories, and how long each is kept'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from list" -l wide -d 'Show every column whole, also on a terminal. Without this option, a terminal gets columns of at most 80 characters in all'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from list" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from show" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from show" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from rename" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from rename" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from rename" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from rename" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from visibility" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from visibility" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from visibility" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from visibility" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from describe" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from describe" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from describe" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from describe" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from default-branch" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from default-branch" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from default-branch" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from default-branch" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from proposals" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from proposals" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from proposals" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from proposals" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from protect" -l update -d 'Only these may create or update the branch, such as @admin, @acme/devs or the name of a user. Can be repeated' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from protect" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from protect" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from protect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from protect" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from unprotect" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from unprotect" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from unprotect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from unprotect" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from gate" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from gate" -l gate-members -d 'Members with the role `read` must request access too'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from gate" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from gate" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from gate" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from freeze" -l reason -d 'The reason' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from freeze" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from freeze" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from freeze" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from freeze" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from unfreeze" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from unfreeze" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from unfreeze" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from unfreeze" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from collaborator" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from collaborator" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from collaborator" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from collaborator" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from collaborator" -f -a "list" -d 'List the users and teams that were granted a role on one repository, or on any'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from collaborator" -f -a "set" -d 'Grant a user or a team a role on a repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from collaborator" -f -a "remove" -d 'Remove the role of a user or a team on a repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from collaborator" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from remove" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from remove" -l yes -d 'Do not ask for confirmation. Required without a terminal'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from remove" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from remove" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from restore" -l id -d 'The id of its directory, if several repositories with that path were removed' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from restore" -l as -d 'The new path, if the old one is in use' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from restore" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from restore" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from restore" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from restore" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from import" -l description -d 'What the repository is about' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from import" -l allow-fsck -d 'Accept a fault of the objects, by its id in git-fsck(1), such as treeNotSorted. Can be repeated' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from import" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from import" -l public -d 'Make the repository public. Default: private'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from import" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from import" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from adopt" -l as -d 'The path on the hub' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from adopt" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from adopt" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from adopt" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from adopt" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from path" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from path" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from path" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from path" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from check" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from check" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from check" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from quota" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from quota" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from quota" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from quota" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from gc" -l older-than -d 'How old a leftover must be. A younger leftover may belong to a push in progress' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from gc" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from gc" -l all -d 'Every repository. Without changes since its last gc, a repository is not packed again'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from gc" -l prune-now -d 'Delete unreachable objects at once instead of after two weeks, such as a secret that was pushed'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from gc" -l removed -d 'Also delete the directories of repositories that were removed more than 30 days ago'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from gc" -l yes -d 'Do not ask for confirmation. Required without a terminal'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from gc" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from gc" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from gc" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "create" -d 'Create an empty repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the repositories of one owner, or all'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show one repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "rename" -d 'Change the name or the owner of a repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "visibility" -d 'Show a repository to everyone or to the accounts of this hub, or hide it'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "describe" -d 'Say what a repository is about'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "default-branch" -d 'Show the branch that a clone checks out, or choose it'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "proposals" -d 'Accept proposals from accounts that may fetch, or accept none'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "protect" -d 'Protect branches: they cannot be rewritten or deleted'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "unprotect" -d 'End the protection of branches'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "gate" -d 'Put a gate before a repository, or remove it with `none`'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "freeze" -d 'Reject pushes to a repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "unfreeze" -d 'Accept pushes to a frozen repository again'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "collaborator" -d 'Users and teams that were granted a role on one repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove a repository from the hub'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "restore" -d 'Restore a repository that was removed, with all grants on it'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "import" -d 'Import a repository from elsewhere: its branches, its tags and, from a directory, its large files'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "adopt" -d 'Adopt a directory that has no row in the database, as a private repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "path" -d 'Print the directory of a repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "check" -d 'Check that every repository has its directory, and every directory its repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "quota" -d 'Show how much a repository stores in git and LFS objects, or set its quota'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "gc" -d 'Pack repositories, and remove what interrupted pushes left behind'
complete -c hubgate -n "__fish_hubgate_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand check; and not __fish_seen_subcommand_from list set help" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand check; and not __fish_seen_subcommand_from list set help" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand check; and not __fish_seen_subcommand_from list set help" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand check; and not __fish_seen_subcommand_from list set help" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand check; and not __fish_seen_subcommand_from list set help" -f -a "list" -d 'List the checks of the content of pushes, with the values that apply to a repository, to an owner or to the hub'
complete -c hubgate -n "__fish_hubgate_using_subcommand check; and not __fish_seen_subcommand_from list set help" -f -a "set" -d 'Set the value of a check for a repository, for all repositories of an owner, or for the hub'
complete -c hubgate -n "__fish_hubgate_using_subcommand check; and not __fish_seen_subcommand_from list set help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand check; and __fish_seen_subcommand_from list" -l limit -d 'Show at most so many rows. Default: 1000 on a terminal, otherwise all' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand check; and __fish_seen_subcommand_from list" -l after -d 'Begin behind this row, as the end of a list that was cut says' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand check; and __fish_seen_subcommand_from list" -l match -d 'Show only rows with this text in a column, in upper or lower case' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand check; and __fish_seen_subcommand_from list" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand check; and __fish_seen_subcommand_from list" -l wide -d 'Show every column whole, also on a terminal. Without this option, a terminal gets columns of at most 80 characters in all'
complete -c hubgate -n "__fish_hubgate_using_subcommand check; and __fish_seen_subcommand_from list" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand check; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand check; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand check; and __fish_seen_subcommand_from set" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand check; and __fish_seen_subcommand_from set" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand check; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand check; and __fish_seen_subcommand_from set" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand check; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the checks of the content of pushes, with the values that apply to a repository, to an owner or to the hub'
complete -c hubgate -n "__fish_hubgate_using_subcommand check; and __fish_seen_subcommand_from help" -f -a "set" -d 'Set the value of a check for a repository, for all repositories of an owner, or for the hub'
complete -c hubgate -n "__fish_hubgate_using_subcommand check; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and not __fish_seen_subcommand_from list add remove move help" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and not __fish_seen_subcommand_from list add remove move help" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and not __fish_seen_subcommand_from list add remove move help" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and not __fish_seen_subcommand_from list add remove move help" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and not __fish_seen_subcommand_from list add remove move help" -f -a "list" -d 'List the rules of a repository, of an owner or of the hub, in the order in which they are asked'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and not __fish_seen_subcommand_from list add remove move help" -f -a "add" -d 'Add a rule for refs'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and not __fish_seen_subcommand_from list add remove move help" -f -a "remove" -d 'Remove a rule. The rules behind it get smaller numbers'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and not __fish_seen_subcommand_from list add remove move help" -f -a "move" -d 'Give a rule another place among the rules of its scope'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and not __fish_seen_subcommand_from list add remove move help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from list" -l limit -d 'Show at most so many rows. Default: 1000 on a terminal, otherwise all' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from list" -l after -d 'Begin behind this row, as the end of a list that was cut says' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from list" -l match -d 'Show only rows with this text in a column, in upper or lower case' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from list" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from list" -l wide -d 'Show every column whole, also on a terminal. Without this option, a terminal gets columns of at most 80 characters in all'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from list" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from add" -l at -d 'Put the rule before the rule that has this number. Default: at the end' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from add" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from add" -l final -d 'Ask the rule before those of narrower scopes, so that none of them softens it. Only for owners and the hub'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from add" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from add" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from remove" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from remove" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from remove" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from move" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from move" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from move" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from move" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the rules of a repository, of an owner or of the hub, in the order in which they are asked'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add a rule for refs'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove a rule. The rules behind it get smaller numbers'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from help" -f -a "move" -d 'Give a rule another place among the rules of its scope'
complete -c hubgate -n "__fish_hubgate_using_subcommand rule; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand allowed-signers" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand allowed-signers" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand allowed-signers" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand allowed-signers" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and not __fish_seen_subcommand_from list show close reopen help" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and not __fish_seen_subcommand_from list show close reopen help" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and not __fish_seen_subcommand_from list show close reopen help" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and not __fish_seen_subcommand_from list show close reopen help" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and not __fish_seen_subcommand_from list show close reopen help" -f -a "list" -d 'List the proposals of a repository, by number'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and not __fish_seen_subcommand_from list show close reopen help" -f -a "show" -d 'Show one proposal'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and not __fish_seen_subcommand_from list show close reopen help" -f -a "close" -d 'Close a proposal'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and not __fish_seen_subcommand_from list show close reopen help" -f -a "reopen" -d 'Open a closed proposal again'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and not __fish_seen_subcommand_from list show close reopen help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from list" -l limit -d 'Show at most so many rows. Default: 1000 on a terminal, otherwise all' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from list" -l after -d 'Begin behind this row, as the end of a list that was cut says' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from list" -l match -d 'Show only rows with this text in a column, in upper or lower case' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from list" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from list" -l wide -d 'Show every column whole, also on a terminal. Without this option, a terminal gets columns of at most 80 characters in all'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from list" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from show" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from show" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from close" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from close" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from close" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from close" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from reopen" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from reopen" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from reopen" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from reopen" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the proposals of a repository, by number'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show one proposal'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from help" -f -a "close" -d 'Close a proposal'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from help" -f -a "reopen" -d 'Open a closed proposal again'
complete -c hubgate -n "__fish_hubgate_using_subcommand proposal; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand owner; and not __fish_seen_subcommand_from quota help" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand owner; and not __fish_seen_subcommand_from quota help" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand owner; and not __fish_seen_subcommand_from quota help" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand owner; and not __fish_seen_subcommand_from quota help" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand owner; and not __fish_seen_subcommand_from quota help" -f -a "quota" -d 'Show how much an owner stores in git and LFS objects, or set its quota'
complete -c hubgate -n "__fish_hubgate_using_subcommand owner; and not __fish_seen_subcommand_from quota help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand owner; and __fish_seen_subcommand_from quota" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand owner; and __fish_seen_subcommand_from quota" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand owner; and __fish_seen_subcommand_from quota" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand owner; and __fish_seen_subcommand_from quota" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand owner; and __fish_seen_subcommand_from help" -f -a "quota" -d 'Show how much an owner stores in git and LFS objects, or set its quota'
complete -c hubgate -n "__fish_hubgate_using_subcommand owner; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand quota; and not __fish_seen_subcommand_from check help" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand quota; and not __fish_seen_subcommand_from check help" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand quota; and not __fish_seen_subcommand_from check help" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand quota; and not __fish_seen_subcommand_from check help" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand quota; and not __fish_seen_subcommand_from check help" -f -a "check" -d 'Measure again what repositories store, and correct what is counted against quotas'
complete -c hubgate -n "__fish_hubgate_using_subcommand quota; and not __fish_seen_subcommand_from check help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand quota; and __fish_seen_subcommand_from check" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand quota; and __fish_seen_subcommand_from check" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand quota; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand quota; and __fish_seen_subcommand_from check" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand quota; and __fish_seen_subcommand_from help" -f -a "check" -d 'Measure again what repositories store, and correct what is counted against quotas'
complete -c hubgate -n "__fish_hubgate_using_subcommand quota; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and not __fish_seen_subcommand_from add list remove help" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and not __fish_seen_subcommand_from add list remove help" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and not __fish_seen_subcommand_from add list remove help" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and not __fish_seen_subcommand_from add list remove help" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and not __fish_seen_subcommand_from add list remove help" -f -a "add" -d 'Add a key that opens one repository, and apart from it only what everyone may fetch'
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and not __fish_seen_subcommand_from add list remove help" -f -a "list" -d 'List the deploy keys of a repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and not __fish_seen_subcommand_from add list remove help" -f -a "remove" -d 'Remove a deploy key from its repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and not __fish_seen_subcommand_from add list remove help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from add" -l title -d 'The title. Default: the key\'s comment, or else its type and fingerprint' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from add" -l expires -d 'When the key expires: a duration such as 90d, or the last day as YYYY-MM-DD' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from add" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from add" -l write -d 'The key may push too'
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from add" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from add" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from list" -l expiring -d 'Show only what expires within this time: a duration such as 14d, or until the end of a day as YYYY-MM-DD' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from list" -l limit -d 'Show at most so many rows. Default: 1000 on a terminal, otherwise all' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from list" -l after -d 'Begin behind this row, as the end of a list that was cut says' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from list" -l match -d 'Show only rows with this text in a column, in upper or lower case' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from list" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from list" -l wide -d 'Show every column whole, also on a terminal. Without this option, a terminal gets columns of at most 80 characters in all'
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from list" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from remove" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from remove" -l yes -d 'Do not ask for confirmation. Required without a terminal'
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from remove" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from remove" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add a key that opens one repository, and apart from it only what everyone may fetch'
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the deploy keys of a repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove a deploy key from its repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand deploy-key; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and not __fish_seen_subcommand_from list grant reject revoke help" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and not __fish_seen_subcommand_from list grant reject revoke help" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and not __fish_seen_subcommand_from list grant reject revoke help" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and not __fish_seen_subcommand_from list grant reject revoke help" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and not __fish_seen_subcommand_from list grant reject revoke help" -f -a "list" -d 'List the requests to pass the gate of a repository, and the answers'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and not __fish_seen_subcommand_from list grant reject revoke help" -f -a "grant" -d 'Let a user pass the gate, with or without a request'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and not __fish_seen_subcommand_from list grant reject revoke help" -f -a "reject" -d 'Reject a user'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and not __fish_seen_subcommand_from list grant reject revoke help" -f -a "revoke" -d 'Withdraw a grant or a rejection'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and not __fish_seen_subcommand_from list grant reject revoke help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from list" -l limit -d 'Show at most so many rows. Default: 1000 on a terminal, otherwise all' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from list" -l after -d 'Begin behind this row, as the end of a list that was cut says' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from list" -l match -d 'Show only rows with this text in a column, in upper or lower case' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from list" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from list" -l wide -d 'Show every column whole, also on a terminal. Without this option, a terminal gets columns of at most 80 characters in all'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from list" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from grant" -l until -d 'When the grant expires: a duration such as 90d, or the last day as YYYY-MM-DD' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from grant" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from grant" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from grant" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from grant" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from reject" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from reject" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from reject" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from reject" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from revoke" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from revoke" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from revoke" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the requests to pass the gate of a repository, and the answers'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from help" -f -a "grant" -d 'Let a user pass the gate, with or without a request'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from help" -f -a "reject" -d 'Reject a user'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from help" -f -a "revoke" -d 'Withdraw a grant or a rejection'
complete -c hubgate -n "__fish_hubgate_using_subcommand access; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand session; and not __fish_seen_subcommand_from list end help" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand session; and not __fish_seen_subcommand_from list end help" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand session; and not __fish_seen_subcommand_from list end help" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand session; and not __fish_seen_subcommand_from list end help" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand session; and not __fish_seen_subcommand_from list end help" -f -a "list" -d 'List the running sessions of git and git-lfs, and the running account commands'
complete -c hubgate -n "__fish_hubgate_using_subcommand session; and not __fish_seen_subcommand_from list end help" -f -a "end" -d 'End running sessions'
complete -c hubgate -n "__fish_hubgate_using_subcommand session; and not __fish_seen_subcommand_from list end help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand session; and __fish_seen_subcommand_from list" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand session; and __fish_seen_subcommand_from list" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand session; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand session; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand session; and __fish_seen_subcommand_from end" -l user -d 'All sessions of this account' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand session; and __fish_seen_subcommand_from end" -l repo -d 'All sessions on this repository' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand session; and __fish_seen_subcommand_from end" -l key -d 'All sessions with this key. For certificates, the key of their authority' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand session; and __fish_seen_subcommand_from end" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand session; and __fish_seen_subcommand_from end" -l all -d 'All sessions'
complete -c hubgate -n "__fish_hubgate_using_subcommand session; and __fish_seen_subcommand_from end" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand session; and __fish_seen_subcommand_from end" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand session; and __fish_seen_subcommand_from end" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand session; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the running sessions of git and git-lfs, and the running account commands'
complete -c hubgate -n "__fish_hubgate_using_subcommand session; and __fish_seen_subcommand_from help" -f -a "end" -d 'End running sessions'
complete -c hubgate -n "__fish_hubgate_using_subcommand session; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand invite" -l expires -d 'When the code expires: a duration such as 24h, or the last day as YYYY-MM-DD' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand invite" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand invite" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand invite" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand invite" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand lfs; and not __fish_seen_subcommand_from serve check help" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand lfs; and not __fish_seen_subcommand_from serve check help" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand lfs; and not __fish_seen_subcommand_from serve check help" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand lfs; and not __fish_seen_subcommand_from serve check help" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand lfs; and not __fish_seen_subcommand_from serve check help" -f -a "serve" -d 'Speak git-lfs-transfer on standard input and output for a bare repository, with the rights of the caller'
complete -c hubgate -n "__fish_hubgate_using_subcommand lfs; and not __fish_seen_subcommand_from serve check help" -f -a "check" -d 'Hash the stored LFS objects, and report objects that history names but the store lacks'
complete -c hubgate -n "__fish_hubgate_using_subcommand lfs; and not __fish_seen_subcommand_from serve check help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand lfs; and __fish_seen_subcommand_from serve" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand lfs; and __fish_seen_subcommand_from serve" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand lfs; and __fish_seen_subcommand_from serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand lfs; and __fish_seen_subcommand_from serve" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand lfs; and __fish_seen_subcommand_from check" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand lfs; and __fish_seen_subcommand_from check" -l quarantine -d 'Move corrupt objects to lfs/quarantine in the repository\'s directory, so that clients can upload them again. git-lfs uploads no object that the store has with the right size'
complete -c hubgate -n "__fish_hubgate_using_subcommand lfs; and __fish_seen_subcommand_from check" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand lfs; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand lfs; and __fish_seen_subcommand_from check" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand lfs; and __fish_seen_subcommand_from help" -f -a "serve" -d 'Speak git-lfs-transfer on standard input and output for a bare repository, with the rights of the caller'
complete -c hubgate -n "__fish_hubgate_using_subcommand lfs; and __fish_seen_subcommand_from help" -f -a "check" -d 'Hash the stored LFS objects, and report objects that history names but the store lacks'
complete -c hubgate -n "__fish_hubgate_using_subcommand lfs; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand lock; and not __fish_seen_subcommand_from list remove help" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand lock; and not __fish_seen_subcommand_from list remove help" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand lock; and not __fish_seen_subcommand_from list remove help" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand lock; and not __fish_seen_subcommand_from list remove help" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand lock; and not __fish_seen_subcommand_from list remove help" -f -a "list" -d 'List the locks of a repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand lock; and not __fish_seen_subcommand_from list remove help" -f -a "remove" -d 'Remove a lock of any account'
complete -c hubgate -n "__fish_hubgate_using_subcommand lock; and not __fish_seen_subcommand_from list remove help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand lock; and __fish_seen_subcommand_from list" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand lock; and __fish_seen_subcommand_from list" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand lock; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand lock; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand lock; and __fish_seen_subcommand_from remove" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand lock; and __fish_seen_subcommand_from remove" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand lock; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand lock; and __fish_seen_subcommand_from remove" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand lock; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the locks of a repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand lock; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove a lock of any account'
complete -c hubgate -n "__fish_hubgate_using_subcommand lock; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand explain" -l user -d 'As this account' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand explain" -l key -d 'With this key: a public key file, `-` for standard input, or a fingerprint as `SHA256:…`' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand explain" -l from -d 'The client\'s address, for a key that is restricted to some addresses' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand explain" -l command -d 'The command, as in "git-upload-pack \'acme/x\'"' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand explain" -l ref -d 'Explain a push to this ref, whose full name is given' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand explain" -l action -d 'What the push does to the ref' -r -f -a "create\t''
update\t''
force\t''
delete\t''"
complete -c hubgate -n "__fish_hubgate_using_subcommand explain" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand explain" -l anonymous -d 'With a key that is on no account'
complete -c hubgate -n "__fish_hubgate_using_subcommand explain" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand explain" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand explain" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand policy; and not __fish_seen_subcommand_from test help" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand policy; and not __fish_seen_subcommand_from test help" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand policy; and not __fish_seen_subcommand_from test help" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand policy; and not __fish_seen_subcommand_from test help" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand policy; and not __fish_seen_subcommand_from test help" -f -a "test" -d 'Compare a file of expectations with what the hub would decide'
complete -c hubgate -n "__fish_hubgate_using_subcommand policy; and not __fish_seen_subcommand_from test help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand policy; and __fish_seen_subcommand_from test" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand policy; and __fish_seen_subcommand_from test" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand policy; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand policy; and __fish_seen_subcommand_from test" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "test" -d 'Compare a file of expectations with what the hub would decide'
complete -c hubgate -n "__fish_hubgate_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand backup" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand backup" -l unnoted -d 'Used by this command, in a second process: the first one notes the time of the backup'
complete -c hubgate -n "__fish_hubgate_using_subcommand backup" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand backup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand backup" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand restore" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand restore" -l yes -d 'Do not ask for confirmation. Required without a terminal'
complete -c hubgate -n "__fish_hubgate_using_subcommand restore" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand restore" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand kept; and not __fish_seen_subcommand_from list remove help" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand kept; and not __fish_seen_subcommand_from list remove help" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand kept; and not __fish_seen_subcommand_from list remove help" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand kept; and not __fish_seen_subcommand_from list remove help" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand kept; and not __fish_seen_subcommand_from list remove help" -f -a "list" -d 'List the files, oldest first'
complete -c hubgate -n "__fish_hubgate_using_subcommand kept; and not __fish_seen_subcommand_from list remove help" -f -a "remove" -d 'Delete files for good'
complete -c hubgate -n "__fish_hubgate_using_subcommand kept; and not __fish_seen_subcommand_from list remove help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand kept; and __fish_seen_subcommand_from list" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand kept; and __fish_seen_subcommand_from list" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand kept; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand kept; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand kept; and __fish_seen_subcommand_from remove" -l older-than -d 'Every file that was kept before this time' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand kept; and __fish_seen_subcommand_from remove" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand kept; and __fish_seen_subcommand_from remove" -l all -d 'Every file'
complete -c hubgate -n "__fish_hubgate_using_subcommand kept; and __fish_seen_subcommand_from remove" -l yes -d 'Do not ask for confirmation. Required without a terminal'
complete -c hubgate -n "__fish_hubgate_using_subcommand kept; and __fish_seen_subcommand_from remove" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand kept; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand kept; and __fish_seen_subcommand_from remove" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand kept; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the files, oldest first'
complete -c hubgate -n "__fish_hubgate_using_subcommand kept; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Delete files for good'
complete -c hubgate -n "__fish_hubgate_using_subcommand kept; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand export" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand export" -l cgit -d 'Print the public repositories without a gate in the format of cgitrc(5), which can include the output. cgit must run as a user who may read their directories'
complete -c hubgate -n "__fish_hubgate_using_subcommand export" -l toml -d 'Print the hub as the file that `hubgate plan` and `hubgate apply` read. hubgate-plan(8) describes it'
complete -c hubgate -n "__fish_hubgate_using_subcommand export" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand export" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand export" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand plan" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand plan" -l prune -d 'Also remove what the file does not mention'
complete -c hubgate -n "__fish_hubgate_using_subcommand plan" -l create-users -d 'Create users that the file mentions and the hub does not have. They have no keys'
complete -c hubgate -n "__fish_hubgate_using_subcommand plan" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand plan" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand plan" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand apply" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand apply" -l prune -d 'Also remove what the file does not mention'
complete -c hubgate -n "__fish_hubgate_using_subcommand apply" -l create-users -d 'Create users that the file mentions and the hub does not have. They have no keys'
complete -c hubgate -n "__fish_hubgate_using_subcommand apply" -l yes -d 'Do not ask for confirmation. Required without a terminal'
complete -c hubgate -n "__fish_hubgate_using_subcommand apply" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand apply" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand apply" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and not __fish_seen_subcommand_from authorized-keys gitolite help" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and not __fish_seen_subcommand_from authorized-keys gitolite help" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and not __fish_seen_subcommand_from authorized-keys gitolite help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and not __fish_seen_subcommand_from authorized-keys gitolite help" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and not __fish_seen_subcommand_from authorized-keys gitolite help" -f -a "authorized-keys" -d 'Import the keys of an `authorized_keys` file that another git server wrote, or of a list of people'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and not __fish_seen_subcommand_from authorized-keys gitolite help" -f -a "gitolite" -d 'Import the users and groups of gitolite, and their grants on repositories that exist on this hub'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and not __fish_seen_subcommand_from authorized-keys gitolite help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from authorized-keys" -l user -d 'Add every key to this account, whatever its line says' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from authorized-keys" -l map -d 'A file with the account of each key: lines such as `key-42 alice`. The first word is the one in the forced command of the key, or the fingerprint of a key without a command. Missing accounts are created' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from authorized-keys" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from authorized-keys" -l plain -d 'Each line is a public key, the name of its account, and optionally a title: `ssh-ed25519 AAAA… alice Laptop`. Missing accounts are created'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from authorized-keys" -l merge -d 'Also add keys to accounts that existed before and that no import created'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from authorized-keys" -l no-create -d 'The new accounts may not create repositories'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from authorized-keys" -l verbose -d 'List each entry, instead of one line for each kind'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from authorized-keys" -l dry-run -d 'Print what would be done, and change nothing'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from authorized-keys" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from authorized-keys" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from authorized-keys" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from gitolite" -l owner -d 'The owner on this hub for repositories whose name in gitolite has no owner' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from gitolite" -l rename -d 'Another name here for a user, as OLD=NEW, for a group, as @OLD=NEW, or for a repository, as OLD=OWNER/NAME. `OLD/=OWNER/` gives all repositories below OLD to another owner, such as those that bear a user\'s name. Can be given again' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from gitolite" -l rc -d 'gitolite\'s own configuration, `.gitolite.rc` in the home directory of its account: it says which features gitolite.conf uses' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from gitolite" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from gitolite" -l partial -d 'Import although some lines are not understood. What these lines deny is not denied here'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from gitolite" -l merge -d 'Also add keys to accounts that existed before and that no import created'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from gitolite" -l no-create -d 'The new accounts may not create repositories, except users that a rule C of gitolite names'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from gitolite" -l verbose -d 'List each entry, instead of one line for each kind'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from gitolite" -l dry-run -d 'Print what would be done, and change nothing'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from gitolite" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from gitolite" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from gitolite" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from help" -f -a "authorized-keys" -d 'Import the keys of an `authorized_keys` file that another git server wrote, or of a list of people'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from help" -f -a "gitolite" -d 'Import the users and groups of gitolite, and their grants on repositories that exist on this hub'
complete -c hubgate -n "__fish_hubgate_using_subcommand import; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand audit" -l since -d 'The start: a duration before now such as 7d, or a date' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand audit" -l user -d 'Only events by or about this account' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand audit" -l repo -d 'Only events about this repository' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand audit" -l ref -d 'Only pushes of this ref, such as refs/heads/main' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand audit" -l key -d 'Only events about this key' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand audit" -l log -d 'Also show sessions and pushes from this log file, or `-` for standard input. Default: the journal, if there is one. Lines without a year are always shown' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand audit" -l after -d 'Begin behind this entry, as the end of such a list says, or with the first one of a second, as YYYY-MM-DDThh:mm:ssZ. Replaces --since' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand audit" -l limit -d 'Show only the last entries, so many; with --after, the first ones. Default: 1000 on a terminal, otherwise all' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand audit" -l match -d 'Show only entries with this text in a column, in upper or lower case' -r
complete -c hubgate -n "__fish_hubgate_using_subcommand audit" -l config -d 'The configuration file' -r -F
complete -c hubgate -n "__fish_hubgate_using_subcommand audit" -s f -l follow -d 'Keep printing new events until Ctrl-C. With --json, each event is one line'
complete -c hubgate -n "__fish_hubgate_using_subcommand audit" -l wide -d 'Show every column whole, also on a terminal'
complete -c hubgate -n "__fish_hubgate_using_subcommand audit" -l json -d 'Print one JSON object or array for programs, instead of text for people'
complete -c hubgate -n "__fish_hubgate_using_subcommand audit" -s h -l help -d 'Print help'
complete -c hubgate -n "__fish_hubgate_using_subcommand audit" -s V -l version -d 'Print version'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "init" -d 'Create the configuration file, the login accounts, the directories and the database, if they are missing'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "migrate" -d 'Update the database to this version of hubgate, and keep a copy of the old one beside it'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "demo" -d 'Try hubgate on this machine, with a temporary hub and sshd on 127.0.0.1'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "doctor" -d 'Check this machine'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "sshd-config" -d 'Print the configuration block that this machine\'s sshd needs'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "host-keys" -d 'Print the host keys of the sshd that serves the hub, by which clients recognize it'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "guide" -d 'Print a page for the people who use the hub: how to make a key, add it, test it and use git with it'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "stats" -d 'Print the numbers of the hub: accounts, keys, repositories, bytes, sessions, refusals, last backup, findings'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "user" -d 'Accounts of people and machines'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "org" -d 'Organizations and their members'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "team" -d 'Teams: groups of members of an organization, which can have roles on its repositories'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "key" -d 'Public keys on accounts'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "repo" -d 'Repositories'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "check" -d 'Checks of the content of pushes: large files, LFS pointers, directories, authors'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "rule" -d 'Rules for refs: who may create, update, rewrite and delete which branches and tags'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "allowed-signers" -d 'Print the keys of the accounts that may write, as a file for git\'s gpg.ssh.allowedSignersFile'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "proposal" -d 'Proposals: commits for a branch, from accounts that may fetch'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "owner" -d 'Quotas of users and organizations'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "quota" -d 'What is counted against quotas'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "deploy-key" -d 'Keys that open one repository, for machines'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "access" -d 'Requests to pass the gate of a repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "session" -d 'Running sessions of clients'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "invite" -d 'Print a one-time code'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "lfs" -d 'Large files'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "lock" -d 'Locks of large files'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "explain" -d 'Explain why a command would be allowed (status 0) or denied (status 1)'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "policy" -d 'Compare expectations with what the hub would decide'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "backup" -d 'Copy the database to a file as one consistent state, and list its repositories with the ids of their directories'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "restore" -d 'Replace the database with a copy that `backup` wrote'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "kept" -d 'Copies of the database that `restore` and `migrate` kept beside it'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "export" -d 'Print accounts, keys, organizations, repositories and grants as JSON, without secrets and invitations'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "plan" -d 'Print what `apply` would change, and who would gain or lose what'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "apply" -d 'Change the hub so that it is as a file says'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "import" -d 'Import accounts, keys and grants from another git server'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "audit" -d 'Show changes, with their time and author, and the sessions and pushes of the system log'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and not __fish_seen_subcommand_from init migrate demo doctor sshd-config host-keys guide stats user org team key repo check rule allowed-signers proposal owner quota deploy-key access session invite lfs lock explain policy backup restore kept export plan apply import audit help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "add" -d 'Add an account'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "list" -d 'List the accounts'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "show" -d 'Show one account'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "rename" -d 'Change the name of an account'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "disable" -d 'Disable an account'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "enable" -d 'Enable a disabled account'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "remove" -d 'Remove an account'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "release" -d 'Free the name of an account that was renamed or removed'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "email" -d 'E-mail addresses of accounts, by which signed commits name them'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "add" -d 'Add an organization'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "list" -d 'List the organizations'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "show" -d 'Show one organization and its members'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "rename" -d 'Change the name of an organization'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "remove" -d 'Remove an organization that owns no repositories'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "member" -d 'Members of an organization'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "ca" -d 'Certificate authorities, whose certificates open the organization\'s repositories'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from team" -f -a "add" -d 'Add a team to an organization'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from team" -f -a "list" -d 'List the teams of an organization'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from team" -f -a "show" -d 'Show a team, its members and its roles on repositories'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from team" -f -a "rename" -d 'Change the name of a team. It keeps its members and its roles'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from team" -f -a "remove" -d 'Remove a team. Its members lose the roles that it gave them'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from team" -f -a "member" -d 'Members of a team'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "add" -d 'Add a public key to an account'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "list" -d 'List the keys of one account, or of all'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "show" -d 'Show one key'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "rename" -d 'Change the title of a key'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "remove" -d 'Remove a key from its account'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "find" -d 'Show the account or repository that a key is on'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "create" -d 'Create an empty repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "list" -d 'List the repositories of one owner, or all'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "show" -d 'Show one repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "rename" -d 'Change the name or the owner of a repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "visibility" -d 'Show a repository to everyone or to the accounts of this hub, or hide it'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "describe" -d 'Say what a repository is about'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "default-branch" -d 'Show the branch that a clone checks out, or choose it'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "proposals" -d 'Accept proposals from accounts that may fetch, or accept none'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "protect" -d 'Protect branches: they cannot be rewritten or deleted'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "unprotect" -d 'End the protection of branches'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "gate" -d 'Put a gate before a repository, or remove it with `none`'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "freeze" -d 'Reject pushes to a repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "unfreeze" -d 'Accept pushes to a frozen repository again'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "collaborator" -d 'Users and teams that were granted a role on one repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "remove" -d 'Remove a repository from the hub'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "restore" -d 'Restore a repository that was removed, with all grants on it'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "import" -d 'Import a repository from elsewhere: its branches, its tags and, from a directory, its large files'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "adopt" -d 'Adopt a directory that has no row in the database, as a private repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "path" -d 'Print the directory of a repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "check" -d 'Check that every repository has its directory, and every directory its repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "quota" -d 'Show how much a repository stores in git and LFS objects, or set its quota'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "gc" -d 'Pack repositories, and remove what interrupted pushes left behind'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from check" -f -a "list" -d 'List the checks of the content of pushes, with the values that apply to a repository, to an owner or to the hub'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from check" -f -a "set" -d 'Set the value of a check for a repository, for all repositories of an owner, or for the hub'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from rule" -f -a "list" -d 'List the rules of a repository, of an owner or of the hub, in the order in which they are asked'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from rule" -f -a "add" -d 'Add a rule for refs'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from rule" -f -a "remove" -d 'Remove a rule. The rules behind it get smaller numbers'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from rule" -f -a "move" -d 'Give a rule another place among the rules of its scope'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from proposal" -f -a "list" -d 'List the proposals of a repository, by number'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from proposal" -f -a "show" -d 'Show one proposal'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from proposal" -f -a "close" -d 'Close a proposal'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from proposal" -f -a "reopen" -d 'Open a closed proposal again'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from owner" -f -a "quota" -d 'Show how much an owner stores in git and LFS objects, or set its quota'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from quota" -f -a "check" -d 'Measure again what repositories store, and correct what is counted against quotas'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from deploy-key" -f -a "add" -d 'Add a key that opens one repository, and apart from it only what everyone may fetch'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from deploy-key" -f -a "list" -d 'List the deploy keys of a repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from deploy-key" -f -a "remove" -d 'Remove a deploy key from its repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from access" -f -a "list" -d 'List the requests to pass the gate of a repository, and the answers'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from access" -f -a "grant" -d 'Let a user pass the gate, with or without a request'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from access" -f -a "reject" -d 'Reject a user'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from access" -f -a "revoke" -d 'Withdraw a grant or a rejection'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from session" -f -a "list" -d 'List the running sessions of git and git-lfs, and the running account commands'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from session" -f -a "end" -d 'End running sessions'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from lfs" -f -a "serve" -d 'Speak git-lfs-transfer on standard input and output for a bare repository, with the rights of the caller'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from lfs" -f -a "check" -d 'Hash the stored LFS objects, and report objects that history names but the store lacks'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from lock" -f -a "list" -d 'List the locks of a repository'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from lock" -f -a "remove" -d 'Remove a lock of any account'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from policy" -f -a "test" -d 'Compare a file of expectations with what the hub would decide'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from kept" -f -a "list" -d 'List the files, oldest first'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from kept" -f -a "remove" -d 'Delete files for good'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from import" -f -a "authorized-keys" -d 'Import the keys of an `authorized_keys` file that another git server wrote, or of a list of people'
complete -c hubgate -n "__fish_hubgate_using_subcommand help; and __fish_seen_subcommand_from import" -f -a "gitolite" -d 'Import the users and groups of gitolite, and their grants on repositories that exist on this hub'
