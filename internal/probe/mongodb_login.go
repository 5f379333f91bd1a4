package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"minibot/internal/secret"
)

// MongoLogin logs user in against the admin database of the server at addr (host:port), by SCRAM, which does not
// give the password away, and asks for the databases. Users exist on a server that asks for no login, too: Accepts
// there says little, so call this only after [Mongo] said [Refuses].
//
// Errors: [ErrUnknownReply], [ErrNoSecret], the context's, the network's. None wraps an error of the driver.
func MongoLogin(ctx context.Context, addr, user string, password secret.Value) (Answer, error) {
	return MongoSession(ctx, addr, user, password, func(context.Context, *mongo.Database) error { return nil })
}

// MongoSession logs in as [MongoLogin] does and, if that was accepted, has use do something with the admin database.
// An error of use is returned as it is, so it must not be one of the driver. If the context ends first, use
// may still be running.
func MongoSession(ctx context.Context, addr, user string, password secret.Value, use func(context.Context, *mongo.Database) error) (Answer, error) {
	if len(password.Reveal()) == 0 {
		return Answer{}, fmt.Errorf("mongo login: %w", ErrNoSecret)
	}
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)

	// A server may ask for so many rounds of SCRAM that the driver forgets the context: leave it to itself then.
	type outcome struct{ login, use error }
	done := make(chan outcome, 1)
	go func() {
		var result outcome
		result.login = listAsUser(ctx, onceDialer{dialerOf(ctx), giveUp}, addr, user, string(password.Reveal()), func(admin *mongo.Database) {
			result.use = use(ctx, admin)
		})
		done <- result
	}()
	var result outcome
	select {
	case <-ctx.Done():
		result.login = ctx.Err()
	case result = <-done:
	}
	answer, err := judgeMongoLogin(ctx, result.login, string(password.Reveal()))
	if err != nil {
		return Answer{}, fmt.Errorf("mongo login: %w", err)
	}
	if result.use != nil {
		return Answer{}, result.use
	}
	return answer, nil
}

// onceDialer ends the whole login when a dial fails. The driver would dial again until its patience ends.
type onceDialer struct {
	dialer Dialer
	giveUp context.CancelCauseFunc
}

func (d onceDialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := d.dialer(ctx, network, addr)
	if err != nil && ctx.Err() == nil { // the driver's own cancellations are no news
		d.giveUp(err)
	}
	return conn, err
}

// listAsUser logs in and lists the databases by the driver, and after that calls then. No retries and one connection
// in the pool: after a failed login, a second try would only say that the pool was cleared, and would count as a guess.
func listAsUser(ctx context.Context, dialer options.ContextDialer, addr, user, password string, then func(admin *mongo.Database)) error {
	patience := DefaultTimeout
	if deadline, ok := ctx.Deadline(); ok {
		patience = max(time.Until(deadline), time.Millisecond) // zero would mean without end
	}
	client, err := mongo.Connect(options.Client().
		SetHosts([]string{addr}).
		SetDirect(true).
		SetDialer(dialer).
		SetAppName("minibot-verify").
		SetAuth(options.Credential{AuthSource: "admin", Username: user, Password: password, PasswordSet: true}).
		SetServerSelectionTimeout(patience).
		SetConnectTimeout(patience).
		SetRetryReads(false).
		SetRetryWrites(false).
		SetMaxAdaptiveRetries(0).
		SetMaxPoolSize(1).
		SetServerMonitoringMode("poll"))
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = client.Disconnect(ctx)
	}()
	admin := client.Database("admin")
	if err := admin.RunCommand(ctx, bson.D{{Key: "listDatabases", Value: 1}, {Key: "nameOnly", Value: true}}).Err(); err != nil {
		return err
	}
	then(admin)
	return nil
}

// judgeMongoLogin makes an answer of what the driver said.
func judgeMongoLogin(ctx context.Context, err error, password string) (Answer, error) {
	const authenticationFailed = 18
	if err == nil {
		return Answer{Accepts, "the password is accepted and the databases are listed"}, nil
	}
	var refused mongo.CommandError
	var network *net.OpError
	switch {
	case errors.As(err, &refused) && refused.Code == authenticationFailed:
		return Answer{Rejects, "18 AuthenticationFailed: the user does not exist or the password is wrong"}, nil
	case errors.As(err, &refused) && refused.Code != 0:
		return Answer{}, fmt.Errorf("%w: code %d", ErrUnknownReply, refused.Code)
	case errors.As(context.Cause(ctx), &network), context.Cause(ctx) == nil && errors.As(err, &network):
		return Answer{}, network
	case context.Cause(ctx) != nil:
		return Answer{}, timely(ctx, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Answer{}, fmt.Errorf("the server hung up: %w", io.ErrUnexpectedEOF)
	}
	return Answer{}, fmt.Errorf("%w: %s", ErrUnknownReply, clean(masked(err.Error(), password)))
}
