package rotate

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"minibot/internal/probe"
	"minibot/internal/secret"
)

// changeMongo updates the user that is logged in, which takes the action changeOwnPassword, as root has it. MongoDB wants
// the new password itself, since it checks and hashes it. It keeps that field out of its log (mongodb/mongo:
// src/mongo/db/commands/user_management_commands.cpp, sensitiveFieldNames), and the driver the whole command out of its own.
func changeMongo(ctx context.Context, a Account, old, new secret.Value) (probe.Answer, error) {
	return probe.MongoSession(ctx, a.Addr, a.User, old, func(ctx context.Context, admin *mongo.Database) error {
		err := admin.RunCommand(ctx, bson.D{{Key: "updateUser", Value: a.User}, {Key: "pwd", Value: string(new.Reveal())}}).Err()
		if err != nil {
			return fmt.Errorf("updateUser: %w", mongoFailure(ctx, err))
		}
		return nil
	})
}

// mongoFailure says why the command failed without quoting the server, which has seen the password, or wrapping an error of
// the driver.
func mongoFailure(ctx context.Context, err error) error {
	var refused mongo.CommandError
	const unauthorized = 13
	switch {
	case errors.As(err, &refused) && refused.Code == unauthorized:
		return errors.New("13 Unauthorized: the user may not change passwords")
	case errors.As(err, &refused) && refused.Code != 0:
		return fmt.Errorf("the server says no: code %d", refused.Code)
	}
	return unheard(ctx, err)
}
