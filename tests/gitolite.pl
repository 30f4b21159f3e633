#!/usr/bin/perl
# Asks gitolite's own function access() what users may do. Lines of standard input are USER REPOSITORY ACTION REF, where
# ACTION is fetch, create, update, force or delete. The answer to each is a line: the file and line of the rule that
# permits it, or "-". The answer to the action "rules" has the places of all rules that concern the user or the group.
#
# A push is permitted here if gitolite permits it with a merge, and whatever rules for contents say. Rules for files are
# compared by real pushes, unless they have what no rule of hubgate says.
use strict;
use warnings;

BEGIN {
    $ENV{GL_LIBDIR} = "/usr/share/gitolite3/lib";
    $ENV{GL_BINDIR} = "/usr/share/gitolite3";
}
use lib $ENV{GL_LIBDIR};
use Gitolite::Rc;
use Gitolite::Common;
use Gitolite::Conf::Load;

my %places;
open( my $info, "<", "$ENV{HOME}/.gitolite/conf/rule_info" ) or die "rule_info: $!";
while (<$info>) {
    my ( $number, $file, $line ) = split;
    $places{$number} = "$file:$line";
}

# The place of the rule that permits this, or "".
sub permits {
    my ( $repo, $user, $letter, $ref ) = @_;
    return "" if access( $repo, $user, $letter, $ref ) =~ /DENIED/;
    my @numbers = $rc{RULE_TRACE} =~ /(\d+)/g;
    return $places{ $numbers[-1] } || "?";
}

# gitolite's letters for a push, as its update hook has them.
sub letters {
    my ( $repo, $action, $ref ) = @_;
    my $letter = $action eq "force" || $action eq "delete" ? "+" : "W";
    $letter = "+" if $action eq "update" and $ref =~ m(refs/tags/);
    $letter = "D" if $action eq "delete" and option( $repo, "DELETE_IS_D" );
    $letter = "C" if $action eq "create" and option( $repo, "CREATE_IS_C" );
    my @letters = ($letter);
    push @letters, $letter . "M" if $action =~ /update|force/ and option( $repo, "MERGE_CHECK" );
    return @letters;
}

# Whether a rule for files or other contents can refuse the push. The name of a file is the text of the rule.
sub can_be_refused {
    my ( $repo, $user, $letter ) = @_;
    for my $vref ( vrefs( $repo, $user ) ) {
        next if $vref =~ m(^VREF/NAME/[-\w/.\@,\$()|+*]*$) and $vref !~ /USER/;
        my $answer = access( $repo, $user, $letter, $vref );
        return 1 if $answer =~ /DENIED/ and $answer !~ /by fallthru/;
    }
    return 0;
}

while (<STDIN>) {
    my ( $user, $repo, $action, $ref ) = split;
    my $place;
    if ( $action eq "rules" ) {
        load($repo);
        $place = join " ", map { $places{ $_->[0] } || "?" } Gitolite::Conf::Load::rules( $repo, $user );
    } elsif ( $action eq "fetch" ) {
        $place = permits( $repo, $user, "R", "any" );
    } elsif ( permits( $repo, $user, "W", "any" ) ) {
        for my $letter ( letters( $repo, $action, $ref ) ) {
            $place = permits( $repo, $user, $letter, $ref );
            $place = "" if $place and can_be_refused( $repo, $user, $letter );
            last if not $place;
        }
    }
    print $place || "-", "\n";
}
