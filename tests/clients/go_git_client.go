// One operation of go-git's: clone|shallow|by-id|push URL LOGIN KEY KNOWN_HOSTS COMMIT, in a new directory.
package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	git "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/transport/ssh"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func history(repository *git.Repository) string {
	log, err := repository.Log(&git.LogOptions{})
	must(err)
	var words []string
	err = log.ForEach(func(commit *object.Commit) error {
		words = append(words, strings.TrimSpace(commit.Message))
		return nil
	})
	// The history of a shallow clone ends with an error.
	if err != plumbing.ErrObjectNotFound {
		must(err)
	}
	return strings.Join(words, " ")
}

func expect(found string, wanted string) {
	if found != wanted {
		must(fmt.Errorf("found %q, expected %q", found, wanted))
	}
}

func main() {
	operation, url, login, key, knownHosts, id := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5], os.Args[6]
	auth, err := ssh.NewPublicKeysFromFile(login, key, "")
	must(err)
	auth.HostKeyCallback, err = ssh.NewKnownHostsCallback(knownHosts)
	must(err)
	if operation == "by-id" {
		repository, err := git.PlainInit("tree", false)
		must(err)
		_, err = repository.CreateRemote(&config.RemoteConfig{Name: "origin", URLs: []string{url}})
		must(err)
		wanted := config.RefSpec(id + ":refs/heads/main")
		must(repository.Fetch(&git.FetchOptions{Auth: auth, RefSpecs: []config.RefSpec{wanted}, Tags: git.NoTags}))
		commit, err := repository.CommitObject(plumbing.NewHash(id))
		must(err)
		expect(strings.TrimSpace(commit.Message), "second")
		return
	}
	options := &git.CloneOptions{URL: url, Auth: auth}
	if operation == "shallow" {
		options.Depth = 1
	}
	repository, err := git.PlainClone("tree", false, options)
	must(err)
	if operation == "shallow" {
		expect(history(repository), "third")
		return
	}
	expect(history(repository), "third second first")
	if operation == "push" {
		tree, err := repository.Worktree()
		must(err)
		who := &object.Signature{Name: "A", Email: "a@example.com", When: time.Now()}
		_, err = tree.Commit("by go-git", &git.CommitOptions{Author: who})
		must(err)
		must(repository.Push(&git.PushOptions{Auth: auth}))
	}
}
