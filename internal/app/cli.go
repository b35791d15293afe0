package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/app/config"
	"entrechat/internal/app/datadir"
	"entrechat/internal/app/demo"
	"entrechat/internal/app/ownlog"
	"entrechat/internal/app/site"
	"entrechat/internal/app/version"
	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/obs"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

// The groups of commands in help, by the keys of their titles.
const (
	groupNode   = "app.help.node"
	groupOthers = "app.help.others"
	groupData   = "app.help.data"
)

// cli is one run of the command line: where it prints and the node it opened.
type cli struct {
	out   console.Out
	words *words.Catalogue
	data  string
	args  []string // as typed
	app   *App
}

// interrupted is the exit status after Ctrl-C or SIGTERM, as shells have it.
const interrupted = 130

// Main runs one command and answers the exit status: core.Code.ExitStatus.
func Main(args []string, in io.Reader, out, errs io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	catalogue, err := words.New(allWords()...)
	if err != nil {
		fmt.Fprintln(errs, err)
		return 1
	}
	l := &cli{args: args, words: catalogue, out: console.Out{W: out, Err: errs, In: in, P: catalogue.Printer(langOf(args))}}
	root := l.root()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errs)
	root.SetIn(in)
	command, err := root.ExecuteContextC(ctx)
	if l.app != nil {
		err = errors.Join(err, l.app.Close())
	}
	if err == nil {
		return 0
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		// Half a job is no success: a script must not go on after it.
		fmt.Fprintln(errs, l.out.P.T("app.interrupted", nil))
		return interrupted
	}
	err = console.Mistyped(err, command)
	if _, said := errors.AsType[*core.Error](err); !said {
		err = datadir.NotOurs(l.data, err)
	}
	fmt.Fprintln(errs, l.out.P.Error(err))
	if os.Getenv("ENTRECHAT_DEBUG") != "" {
		fmt.Fprintln(errs, err) // what is for programmers too
	}
	return core.CodeOf(err).ExitStatus()
}

// langOf looks for --lang before cobra reads the flags, because help is in that
// language too.
func langOf(args []string) string {
	for i, arg := range args {
		if value, ok := strings.CutPrefix(arg, "--lang="); ok {
			return value
		}
		if arg == "--lang" && i+1 < len(args) {
			return args[i+1]
		}
	}
	return words.DetectLang(os.Getenv)
}

func (l *cli) root() *cobra.Command {
	p := l.out.P
	root := &cobra.Command{
		Use: "entrechat", Short: p.T("app.cmd.root", nil), Long: p.T("app.cmd.root_long", nil),
		SilenceErrors: true, SilenceUsage: true,
		// What is printed or kept of it must hold wherever it is used.
		PersistentPreRunE: func(*cobra.Command, []string) (err error) {
			l.data, err = filepath.Abs(l.data)
			return err
		},
	}
	flags := root.PersistentFlags()
	flags.StringVar(&l.data, "data", datadir.Default(os.Getenv), p.T("app.flag.data", nil))
	flags.BoolVar(&l.out.JSON, "json", false, p.T("app.flag.json", nil))
	flags.String("lang", p.Lang, p.T("app.flag.lang", nil))
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(l.initCommand(), l.upCommand(), l.doctorCommand(), demo.Command(&l.out), ownlog.Command(&l.out, l.openLog, l.moveCommand(), l.rotateCommand(), l.epochCommand()), l.configCommand(), l.adminCommand(), version.Command(&l.out))
	groups := map[string]string{"log": groupOthers}
	for _, m := range modules() {
		if m.commands == nil {
			continue
		}
		for _, c := range m.commands(l) {
			groups[c.Name()] = m.group
			root.AddCommand(c)
		}
	}
	console.SetHelp(root, p, console.Groups{Titles: []string{groupNode, groupOthers, groupData}, Of: groups})
	return root
}

// mayUse refuses a directory that another user's node lives in, or half a node.
func (l *cli) mayUse() error {
	if err := datadir.CheckUser(l.data, l.args); err != nil {
		return err
	}
	return datadir.Unfinished(l.data)
}

// open opens the node for a command, once.
func (l *cli) open(ctx context.Context) (*App, error) {
	if l.app != nil {
		return l.app, nil
	}
	if err := l.mayUse(); err != nil {
		return nil, err
	}
	log, err := obs.NewLogger(l.out.Err, "warn", "text")
	if err != nil {
		return nil, err
	}
	a, err := openPresent(ctx, &App{Data: l.data, Words: l.words, Lang: l.out.P, Log: log})
	if err != nil {
		return nil, err
	}
	l.app = a
	return a, nil
}

func (l *cli) initCommand() *cobra.Command {
	p := l.out.P
	var place Place
	var seedOut string
	c := &cobra.Command{
		Use: "init", Short: p.T("app.cmd.init", nil), Long: p.T("app.cmd.init_long", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return l.init(cmd.Context(), place, seedOut) },
	}
	placeFlags(c, &place, p)
	c.Flags().StringVar(&seedOut, "seed-out", "", p.T("app.flag.seed_out", nil))
	return c
}

// placeFlags are those of init and of a recovery.
func placeFlags(c *cobra.Command, place *Place, p *words.Printer) {
	f := c.Flags()
	f.StringVar(&place.Origin, "origin", "", p.T("app.flag.origin", nil))
	f.StringVar(&place.URL, "url", "", p.T("app.flag.url", nil))
	f.StringVar(&place.Listen, "listen", "", p.T("app.flag.listen", nil))
	f.StringVar(&place.Tools, "tools-listen", "", p.T("app.flag.tools", nil))
	f.StringVar(&place.Site, "site", "", p.T("app.flag.site", nil))
	f.BoolVar(&place.Private, "allow-private", false, p.T("app.flag.private", nil))
	place.Lang, place.Words = p.Lang, p
	if err := c.MarkFlagRequired("origin"); err != nil {
		panic(err)
	}
}

func (l *cli) upCommand() *cobra.Command {
	return &cobra.Command{
		Use: "up", Short: l.out.P.T("app.cmd.up", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := l.mayUse(); err != nil {
				return err
			}
			if err := datadir.RefuseRehearsal(l.data); err != nil {
				return err
			}
			cfg, err := config.Load(l.data, sections())
			if err != nil {
				return err
			}
			log, err := obs.NewLogger(l.out.Err, cfg.Log.Level, cfg.Log.Format)
			if err != nil {
				return err
			}
			release, err := datadir.Lock(l.data)
			if err != nil {
				return err
			}
			defer release()
			a, err := openPresent(cmd.Context(), &App{Data: l.data, Words: l.words, Lang: l.words.Printer(cfg.Node.Lang), Log: log, alone: true})
			if err != nil {
				return err
			}
			l.app = a
			return a.Up(cmd.Context(), func() {
				l.out.Say("app.up", map[string]any{"Origin": cfg.Node.Origin, "Public": cfg.Node.Listen, "Tools": cfg.Tools.Listen})
				l.welcome(cmd.Context(), a)
			})
		},
	}
}

// welcome leads the people of a new node to the form that asks who they are. The
// link is for eyes only: what a service prints lies in a journal that others read.
func (l *cli) welcome(ctx context.Context, a *App) {
	if _, known, err := site.Presented(ctx, a.fittings); known || err != nil {
		return // doctor tells of a file that cannot be read
	}
	if !l.out.TTY() {
		l.out.Say("app.welcome", nil)
		return
	}
	link, _, err := web.NewLink(ctx, a.DB, a.Config.Node.URL, core.At(time.Now()))
	if err != nil {
		a.Log.Warn("no link for the first visit", "error", err)
		return
	}
	l.out.Say("app.welcome_link", map[string]any{"URL": link})
}

func (l *cli) configCommand() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: l.out.P.T("app.cmd.config", nil)}
	c.AddCommand(&cobra.Command{
		Use: "example", Short: l.out.P.T("app.cmd.config_example", nil), Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg := config.Default(sections())
			cfg.Node.Origin, cfg.Node.URL = "chaton-a.test", "https://chaton-a.test"
			text, err := cfg.Render(l.out.P)
			if err == nil {
				_, err = l.out.W.Write(text)
			}
			return err
		},
	})
	return c
}
